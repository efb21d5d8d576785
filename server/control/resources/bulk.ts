import type { Realm } from '@rescind/authority'
import { defined } from '@rescind/core/bytes'
import type { Answer } from '@rescind/dialects'
import { z } from 'zod'
import { openBody } from '../../bulk/body.ts'
import { linesOf, withWraps } from '../../bulk/lines.ts'
import { BulkProgress } from '../../bulk/progress.ts'
import { runBulk } from '../../bulk/run.ts'
import { Secrets } from '../../bulk/secrets.ts'
import { problem } from '../../http/problem.ts'
import { type Ask, type Endpoint, endpoint } from '../frame/endpoint.ts'
import { keyOf, STILL_RUNNING } from '../frame/idempotency.ts'

/** Bytes of one body; lines have a bound of their own. */
const BODY_MAX_BYTES = 268_435_456
const NDJSON = 'application/x-ndjson'

const QUERY = z.object({
  dryRun: z.boolean().default(true).describe('Only say what would be revoked; false makes it real'),
  reason: z.string().min(1).max(256).optional().describe('Why, for the log; needed when it is real'),
  note: z.string().max(2_000).optional(),
})
type Query = z.output<typeof QUERY>

/** Running calls with an Idempotency-Key, by owner. */
const running: WeakMap<Realm, Set<string>> = new WeakMap()

function runningIn(realm: Realm): Set<string> {
  const known = running.get(realm) ?? new Set()
  running.set(realm, known)
  return known
}

const BULK: Endpoint = endpoint({
  method: 'POST',
  path: '/revocations/bulk',
  operation: 'revokeInBulk',
  summary:
    'Revoke whatever tokens stand in a list, or in a log, and name its other credentials: a leak, answered',
  role: 'responder',
  rateClass: 'revoke',
  idempotency: 'own',
  query: QUERY,
  stream: { types: [NDJSON, 'text/plain', 'application/octet-stream'], maxBytes: BODY_MAX_BYTES },
  answers: {
    200: { what: 'What became of each line, as it is done; the last line sums it up', type: NDJSON },
  },
  problems: [409],
  handle: bulk,
})

export const BULK_ENDPOINTS: readonly Endpoint[] = [BULK]

async function bulk(ask: Ask<Query>): Promise<Answer> {
  const { realm, by, query, request } = ask
  if (!query.dryRun && query.reason === undefined)
    return problem(422, 'reason: required unless dryRun is true')
  const key = keyOf(request)
  if (typeof key === 'object') return key
  const name = key === undefined ? undefined : `${by.id}\0${key}`
  const now = runningIn(realm)
  if (name !== undefined && now.has(name)) return STILL_RUNNING
  if (name !== undefined) now.add(name)
  const ended = (): void => void now.delete(name ?? '')
  let isHandedOver = false
  try {
    const opened = await openBody(request.stream ?? nothing())
    if (opened.kind === 'refused') return problem(415, opened.why)
    const lines = withWraps(linesOf(opened.body))
    const question = JSON.stringify([query.dryRun, query.reason, query.note])
    const resumed = await BulkProgress.resume({
      ...{ realm, question, lines },
      name: key === undefined ? undefined : { owner: by.id, key },
    })
    if (resumed.kind === 'running') return STILL_RUNNING
    if (resumed.kind === 'differs')
      return problem(422, 'this Idempotency-Key belongs to another request; use a new one')
    const { progress } = resumed
    if (resumed.isDone) return finished({ done: true, ...progress.counts })
    isHandedOver = true
    return { status: 200, headers: HEADERS, body: runBulk({ ...runOf(ask), lines, progress, ended }) }
  } finally {
    if (!isHandedOver) ended()
  }
}

const HEADERS = { 'content-type': NDJSON, 'cache-control': 'no-store' }

async function* nothing(): AsyncGenerator<Uint8Array, void> {}

/** The answer of a repeated call, without the lines. */
function finished(summary: object): Answer {
  const headers = { ...HEADERS, 'idempotent-replayed': 'true' }
  return { status: 200, headers, body: `${JSON.stringify(summary)}\n` }
}

function runOf({
  realm,
  parts,
  by,
  how,
  query,
  request,
}: Ask<Query>): Pick<Parameters<typeof runBulk>[0], 'act' | 'gone' | 'settled'> {
  const { dryRun, reason = '', note } = query
  const { system } = parts.realms
  const secrets = new Secrets({ realm, system, keysOf: by.realm, dialects: parts.secrets })
  const act = defined({ caller: by.caller, how, why: reason, note })
  return {
    act: { realm, system, keySets: parts.keySets, dryRun, act, secrets },
    gone: request.gone,
    settled: async () => (dryRun ? undefined : parts.realms.nodes?.everywhere([realm.ordinal])),
  }
}
