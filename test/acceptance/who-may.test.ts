import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import * as jose from 'jose'
import {
  API_KEY,
  basic,
  CLIENT_KEY,
  FORM_BODY,
  JSON_BODY,
  memberAt,
  succeeded,
  textAt,
} from '../kit/calls.ts'
import { openForFile } from '../kit/in-process.ts'
import { tableUnder } from '../kit/page-table.ts'
import type { RawAnswer } from '../kit/raw-http.ts'
import { ANN, BOB, EVE, GATEWAY, OTHER, ROOT, SEED, SVC } from '../kit/seed.ts'

// [W84] [A07] [C07] No call may reach tokens of another dialect or user that it should not. Every kind of credential
// makes every call that reads, lists or ends tokens, in all dialects, about every kind of token; the page
// docs/who-may.md states the outcomes.

const ISSUER = 'https://idp.example/'
const RIVAL_KEYS = ['IM-API-KEY: rival-api-key-0123456789', 'IM-CLIENT-KEY: rival-client-key-public'] as const
const AUDIENCE = { clientId: 'rs', clientSecret: 'rs-secret-0123456789abcdef' }
const RESOURCE = 'https://orders.example'

const [realm] = SEED.realms as readonly [{ readonly oauthClients: readonly unknown[] }]
const [svc, ...others] = realm.oauthClients as readonly [Readonly<Record<string, unknown>>]
const grantTypes = ['client_credentials']
const rs = { ...AUDIENCE, grantTypes, scopes: [], introspect: 'audience', audiences: [RESOURCE] }
const oauthClients = [{ ...svc, audiences: [RESOURCE] }, ...others, { ...rs, resources: [RESOURCE] }]
const { calls } = await openForFile({
  time: 'real',
  seed: { realms: [{ ...realm, oauthClients }, { name: 'elsewhere' }] },
  flags: ['--identity-rate', '0', '--control-rate', '0'],
})
let foreign: (jti: string) => Promise<string>
const keys = new Map<string, string>()
let count = 0

before(async () => {
  foreign = await registered()
  for (const [name, body] of Object.entries({
    metrics: { role: 'metrics' },
    viewer: { role: 'viewer' },
    responder: { role: 'responder' },
    admin: { role: 'admin' },
    elsewhere: { role: 'admin', realm: 'elsewhere' },
  }))
    keys.set(name, textAt(await control('POST /keys', { name, ...body }), 'key'))
})

async function control(line: string, body: unknown): Promise<RawAnswer> {
  return succeeded(await calls.control(line, body), line)
}

async function registered(): Promise<typeof foreign> {
  const { privateKey, publicKey } = await jose.generateKeyPair('ES256', { extractable: true })
  const key = { ...(await jose.exportJWK(publicKey)), kid: 'one', alg: 'ES256', use: 'sig' }
  await control('POST /issuers', { issuer: ISSUER, keys: [key] })
  return (jti) =>
    new jose.SignJWT({ jti, sub: 'alice' })
      .setProtectedHeader({ alg: 'ES256', kid: 'one', typ: 'at+jwt' })
      .setIssuer(ISSUER)
      .setIssuedAt()
      .setExpirationTime('10m')
      .sign(privateKey)
}

type Token = { readonly text: string; readonly client: string }

/** A new token for each column. */
const TOKENS: Readonly<Record<string, () => Promise<Token>>> = {
  'chat, ann': async () => ({ text: await calls.chatToken('ann'), client: 'ann' }),
  'chat, another app': async () => {
    const body = JSON.stringify({ _id: 'ann', issueAccessToken: true })
    const answer = await calls.send('POST /admin/clients', [RIVAL_KEYS[0], JSON_BODY], body)
    return { text: textAt(answer, 'result', 'token'), client: 'ann' }
  },
  'Identity, bob': async () => ({ text: await calls.identityToken(BOB), client: BOB.id }),
  'Identity, user-admin': async () => ({ text: await calls.identityToken(ANN), client: ANN.id }),
  'Identity, operator': async () => ({ text: await calls.identityToken(ROOT), client: ROOT.id }),
  'OAuth access': async () => ({ text: (await calls.oauthGrant('ann')).access, client: SVC.clientId }),
  'OAuth refresh': async () => ({ text: (await calls.oauthGrant('ann')).refresh, client: SVC.clientId }),
  'issuer’s': async () => ({ text: await foreign(`jti-${(count += 1)}`), client: '' }),
}

const bearer = (text: string): readonly string[] => [
  CLIENT_KEY,
  `IM-Authorization: ${text}`,
  `X-Auth-Token: ${text}`,
]
const controlKey = (text: string): readonly string[] => [`Authorization: Bearer ${text}`]

/** The headers that each row of the page sends with every call; calls must ignore those that they do not know. */
const CALLERS: Readonly<Record<string, () => Promise<readonly string[]>>> = {
  nobody: async () => [],
  'chat, public client key': async () => [CLIENT_KEY],
  'chat, API key': async () => [API_KEY],
  'chat, API key of another app': async () => [...RIVAL_KEYS],
  'chat, another token of ann': async () => bearer(await calls.chatToken('ann')),
  'chat, token of zoe': async () => bearer(await calls.chatToken('zoe')),
  'Identity, another token of bob': async () => bearer(await calls.identityToken(BOB)),
  'Identity, user-admin': async () => bearer(await calls.identityToken(ANN)),
  'Identity, user-admin of another account': async () => bearer(await calls.identityToken(EVE)),
  'Identity, operator': async () => bearer(await calls.identityToken(ROOT)),
  'OAuth, its client': async () => [basic(SVC)],
  'OAuth, another client': async () => [basic(OTHER)],
  'OAuth, its resource server': async () => [basic(AUDIENCE)],
  'OAuth, introspect any': async () => [basic(GATEWAY)],
  'OAuth, another token of it': async () => bearer((await calls.oauthGrant('ann')).access),
  'verifier key': async () => controlKey('orders-api-key-0123456789'),
  'control, metrics': async () => controlKey(keys.get('metrics') ?? ''),
  'control, viewer': async () => controlKey(keys.get('viewer') ?? ''),
  'control, responder': async () => controlKey(keys.get('responder') ?? ''),
  'control, admin': async () => controlKey(keys.get('admin') ?? ''),
  'control, admin of another realm': async () => controlKey(keys.get('elsewhere') ?? ''),
}

type Call = (by: readonly string[], token: Token) => Promise<RawAnswer>

const form =
  (path: string): Call =>
  (by, { text }) =>
    calls.send(`POST ${path}`, [...by, FORM_BODY], `token=${encodeURIComponent(text)}`)
const json =
  (line: string, body: (token: Token) => unknown): Call =>
  (by, token) =>
    calls.send(line, [...by, JSON_BODY], JSON.stringify(body(token)))
const bare =
  (line: (token: Token) => string, more: (token: Token) => readonly string[] = () => []): Call =>
  (by, token) =>
    calls.send(line(token), [...by, ...more(token)])
const named = ({ text }: Token): readonly string[] => [`X-Subject-Token: ${text}`]

const READS: readonly Call[] = [
  json('POST /verify', ({ text }) => ({ token: text })),
  form('/api/id/v1/auth/token/introspect'),
  bare(({ text }) => `GET /v2.0/tokens/${text}`),
  bare(({ text }) => `HEAD /v2.0/tokens/${text}`),
  bare(({ text }) => `GET /v2.0/tokens/${text}/endpoints`),
  bare(() => 'GET /v3/auth/tokens', named),
  bare(() => 'HEAD /v3/auth/tokens', named),
  json('POST /control/v1/tokens/lookup', ({ text }) => ({ token: text })),
  json('POST /control/v1/verify', ({ text }) => ({ token: text })),
  json('POST /control/v1/find', ({ text }) => ({ text })),
  json('POST /control/v1/revocations', ({ text }) => ({
    target: { token: text },
    reason: 'r',
    dryRun: true,
  })),
]

const LISTS: readonly Call[] = [
  bare(() => 'GET /auths/tokens'),
  bare(() => 'GET /admin/clients'),
  bare(() => 'GET /v3/OS-REVOKE/events'),
  bare(() => 'GET /control/v1/tokens?state=all&limit=1000'),
  bare(() => `GET /control/v1/clients/${SVC.clientId}/grants?limit=100`),
  bare(() => 'GET /control/v1/audit?limit=100'),
]

const ENDS: readonly Call[] = [
  form('/api/id/v1/auth/token/revoke'),
  bare(({ text }) => `DELETE /v2.0/tokens/${text}`),
  bare(() => 'DELETE /v3/auth/tokens', named),
  json('DELETE /admin/clients/ann/token', ({ text }) => ({ token: text })),
  json('POST /me/logout-others', () => ({})),
  json('POST /control/v1/revocations', ({ text }) => ({ target: { token: text }, reason: 'r' })),
]

type Seen = { readonly state: string; readonly handle: string }

async function seen({ text }: Token): Promise<Seen> {
  const answer = await control('POST /tokens/lookup', { token: text })
  const { handle, jti } = memberAt(answer, 'facts') as { handle?: string; jti?: string }
  return { state: textAt(answer, 'state'), handle: handle ?? jti ?? '' }
}

/** Whether an answer says that the token is live; introspection and find also say that it is not with 200. */
function tells(answer: RawAnswer): boolean {
  const text = answer.body.toString()
  if (answer.status !== 200 && answer.status !== 204) return false
  return !/"active":false|"kind":"inactive"|"findings":\[\]/.test(text)
}

type Act = (by: readonly string[], token: Token) => Promise<boolean>

const ACTS: Readonly<Record<string, Act>> = {
  read: async (by, token) => {
    let any = false
    for (const call of READS) any = tells(await call(by, token)) || any
    return any
  },
  list: async (by, token) => {
    const { handle } = await seen(token)
    let any = false
    for (const call of LISTS) {
      const text = (await call(by, token)).body.toString()
      any = any || text.includes(handle) || text.includes(token.text)
    }
    return any
  },
  end: async (by, token) => {
    for (const call of ENDS) await call(by, token)
    return (await seen(token)).state !== 'active'
  },
}

const TABLE = tableUnder('who-may.md', 'Whose tokens')
const COLUMNS = Object.keys(TOKENS)

test('[W84] the page has a row for every caller and act, and a column for every kind of token', () => {
  assert.deepEqual(TABLE.columns, ['caller', 'act', ...COLUMNS])
  const wanted = Object.keys(CALLERS).flatMap((caller) =>
    Object.keys(ACTS).map((act) => `${caller} | ${act}`),
  )
  assert.deepEqual(
    TABLE.rows.map(([caller, act]) => `${caller} | ${act}`),
    wanted,
  )
})

for (const [caller, headers] of Object.entries(CALLERS))
  test(`[W84] [A07] [C07] ${caller}: may read, list and end in all dialects exactly what the page says`, async () => {
    for (const [act, tries] of Object.entries(ACTS)) {
      const cells: string[] = []
      for (const make of Object.values(TOKENS)) {
        const token = await make()
        cells.push((await tries(await headers(), token)) ? 'yes' : '·')
      }
      const said = TABLE.rows.find(([name, what]) => name === caller && what === act)
      assert.deepEqual(cells, said?.slice(2), `${caller}, ${act}`)
    }
  })
