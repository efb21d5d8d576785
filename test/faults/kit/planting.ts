import assert from 'node:assert/strict'
import type { Calls } from './calls.ts'
import type { Canary, Evidence } from './canaries.ts'

export type Planting = {
  readonly calls: Calls
  readonly controlKey: string
  readonly verifierKey: string
  readonly chatKey: string
  /** An administrator of Identity. */
  readonly identity: string
  /** Whether only an app's choice makes the text a token: it is then known only to leak lists and to that app. */
  readonly isChosen: (canary: Canary) => boolean
}

type Place = readonly [line: string, value: (text: string, nth: number) => object, only?: 'formed']

const TARGET = { source: 'oauth', subject: 'nobody' }

const CONTROL: readonly Place[] = [
  ['POST /revocations', (text) => ({ target: TARGET, reason: text.slice(0, 256), note: text })],
  ['POST /revocations', (text) => ({ target: TARGET, reason: 'r', note: `found: ${text}` }), 'formed'],
  [
    'POST /holds',
    (text) => ({ target: TARGET, reason: 'r', note: text, seconds: 60, atDeadline: 'release' }),
  ],
  ['POST /revocations', (text) => ({ target: { source: 'oauth', subject: text }, reason: 'r' }), 'formed'],
  ['POST /revocations', (text) => ({ target: { source: text }, reason: 'r' }), 'formed'],
  ['POST /keys', (text) => ({ name: text.slice(0, 128), role: 'viewer' }), 'formed'],
  ['POST /grants', (text) => ({ clientId: 'svc', subject: `user ${text}` }), 'formed'],
  [
    'POST /clients',
    (text, nth) => ({ clientId: `c${nth}`, name: text, grantTypes: ['client_credentials'] }),
    'formed',
  ],
]

const IDENTITY: readonly Place[] = [
  [
    'POST /v2.0/OS-KSADM/roles',
    (text, nth) => ({ role: { name: `role${nth}`, description: text } }),
    'formed',
  ],
  ['POST /v2.0/tenants', (text, nth) => ({ tenant: { name: `t${nth}`, description: text } }), 'formed'],
  ['POST /v2.0/tenants', (text) => ({ tenant: { name: text } }), 'formed'],
  ['POST /v3/roles', (text) => ({ role: { name: text } }), 'formed'],
  ['POST /v3/projects', (text, nth) => ({ project: { name: `p${nth}`, description: text } }), 'formed'],
]

const CHAT: readonly Place[] = [
  ['POST /admin/clients', (text, nth) => ({ _id: `p${nth}`, nickname: text.slice(0, 256) })],
  ['POST /admin/clients', (text, nth) => ({ _id: `m${nth}`, about: { notes: ['x', text] } })],
  ['POST /admin/clients', (text, nth) => ({ _id: `s${nth}`, about: { see: `here: ${text}.` } }), 'formed'],
  ['POST /admin/clients', (text, nth) => ({ _id: `n${nth}`, [text]: 1 })],
  ['POST /admin/clients/list', (text, nth) => ({ data: [{ _id: `l${nth}`, nickname: text.slice(0, 256) }] })],
  ['POST /admin/clients', (text) => ({ _id: text.slice(0, 256) }), 'formed'],
]

/** Puts each of these into every text that is stored. @returns how many of the calls were accepted. */
export async function plant(of: Planting, canaries: readonly Canary[]): Promise<number> {
  const control = { authorization: `Bearer ${of.controlKey}` }
  const dialects = [
    { prefix: '/control/v1', headers: control, places: CONTROL },
    { prefix: '', headers: { 'x-auth-token': of.identity }, places: IDENTITY },
    { prefix: '', headers: { 'im-api-key': of.chatKey }, places: CHAT },
  ]
  let [nth, taken] = [0, 0]
  for (const canary of canaries) {
    for (const { prefix, headers, places } of dialects) {
      for (const [line, value, only] of places) {
        if (only === 'formed' && of.isChosen(canary)) continue
        nth += 1
        const [method = '', path = ''] = line.split(' ')
        const ask = { method, path: prefix + path, headers, value: value(canary.text, nth) }
        const { status, text } = await of.calls.json(ask)
        assert.ok(status < 300 || status === 400 || status === 422, `${line}: ${status} ${text}`)
        if (status < 300) taken += 1
      }
    }
    const label = of.isChosen(canary) ? 'plain' : encodeURIComponent(canary.text.slice(0, 128))
    const feed = `/control/v1/feed?wait=0&bound=5000&label=${label}`
    const headers = { authorization: `Bearer ${of.verifierKey}`, accept: 'application/json' }
    assert.equal((await of.calls.ask({ method: 'GET', path: feed, headers })).status, 200)
  }
  return taken
}

const SHOWN = [
  ...['/audit?limit=1000', '/audit/export', '/audit/system/export', '/revocations?limit=500'],
  ...['/holds?state=open', '/clients', '/keys', '/verifiers', '/tokens?source=oauth&subject=nobody'],
]

/** All that the server shows of the planted texts: its audit, its exports, its receipts, its feed. */
export async function shown({
  calls,
  controlKey,
  verifierKey,
  identity,
  chatKey,
}: Planting): Promise<readonly Evidence[]> {
  const found: Evidence[] = []
  const read = async (path: string, headers: Readonly<Record<string, string>>): Promise<void> => {
    const { status, text } = await calls.ask({ method: 'GET', path, headers })
    assert.equal(status, 200, `${path}: ${text}`)
    found.push({ where: path, bytes: Buffer.from(text) })
  }
  for (const path of SHOWN) await read(`/control/v1${path}`, { authorization: `Bearer ${controlKey}` })
  await read('/control/v1/feed/snapshot', { authorization: `Bearer ${verifierKey}` })
  for (const path of ['/v2.0/tenants', '/v3/roles', '/v3/projects'])
    await read(path, { 'x-auth-token': identity })
  await read('/admin/clients', { 'im-api-key': chatKey })
  return found
}
