import { CHAT } from '../../kit/seed.ts'
import { CONTROL_KEY } from '../../kit/server.ts'

/** Calls that one key makes over and over, so many at a time. */
export type Load = {
  readonly name: string
  readonly width: number
  readonly method: 'GET' | 'POST'
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string
}

const ADMIN = { 'im-api-key': CHAT.apiKey }
export const CONTROL: Readonly<Record<string, string>> = { authorization: `Bearer ${CONTROL_KEY}` }
const VERIFIER = { authorization: 'Bearer orders-api-key-0123456789' }
const JSON_BODY = { 'content-type': 'application/json' }

function read(name: string, width: number, path: string): Load {
  return { name, width, method: 'GET', path, headers: path.startsWith('/control') ? CONTROL : ADMIN }
}

function preview(name: string, target: unknown): Load {
  const body = JSON.stringify({ target, reason: 'a drill', dryRun: true })
  const headers = { ...CONTROL, ...JSON_BODY }
  return { name, width: 4, method: 'POST', path: '/control/v1/revocations', headers, body }
}

const FILTER = encodeURIComponent(JSON.stringify({ nickname: 'nosuch' }))

/** Expensive reads that one key can make. */
export const LOADS: readonly Load[] = [
  read('chat tokens of an app × 4', 4, '/auths/tokens'),
  read('chat clients, limit=1 × 4', 4, '/admin/clients?limit=1'),
  read('chat clients by a filter × 4', 4, `/admin/clients?q=${FILTER}`),
  read('revocations by no such reason × 8', 8, '/control/v1/revocations?reason=nosuch'),
  read('tokens of no such subject × 8', 8, '/control/v1/tokens?subject=nosuch'),
  read('tokens, a thousand a page × 4', 4, '/control/v1/tokens?limit=1000'),
  preview('preview of one subject × 4', { source: 'oauth', subject: 'subject-7' }),
  preview('preview of a source × 4', { source: 'oauth' }),
  read('grants of one client × 4', 4, '/control/v1/clients/svc/grants'),
  read('audit of nobody × 4', 4, '/control/v1/audit?by=control:key_nosuch'),
  { ...read('snapshots × 4', 4, '/control/v1/feed/snapshot'), headers: VERIFIER },
]
