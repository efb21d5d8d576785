import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { realmOrdinal } from '@rescind/core'
import { JSON_BODY, jsonOf, memberAt, succeeded, textAt } from '../kit/calls.ts'
import { openForFile } from '../kit/in-process.ts'
import { Provider } from '../kit/provider.ts'
import type { RawAnswer } from '../kit/raw-http.ts'
import { BOB, SEED, SVC } from '../kit/seed.ts'

// [H10] A permanent act that may end more than one person may end needs approval, by every call.

const seed = { realms: [...SEED.realms, { name: 'branch' }] }
const { server, calls } = await openForFile({
  time: 'hand',
  seed,
  flags: ['--allow-internal-fetch', '--control-rate', '0'],
})
let idp: Provider
let second = ''

before(async () => {
  idp = await Provider.open('https://idp.example', () => server.clock.wallMs() / 1_000)
  const claims = { client: 'azp', session: 'sid', tenant: 'org' }
  await done('POST /issuers', { issuer: idp.issuer, jwksUrl: idp.jwksUrl, claims })
  await done('POST /chat-apps', { name: 'vouched', verifyUrl: 'https://outside.example/verify' })
  await done('POST /chat-apps', { name: 'plain' })
  const key = textAt(await done('POST /keys', { name: 'second', role: 'admin', owner: 'second' }), 'key')
  second = `Authorization: Bearer ${key}`
  await done('PATCH /settings', { approvalAboveTokens: 0 })
  await done('PATCH /settings?realm=branch', { approvalAboveTokens: 0 })
})

after(() => idp.close())

async function done(line: string, body?: unknown): Promise<RawAnswer> {
  return succeeded(await calls.control(line, body), line)
}

async function revoke(target: object): Promise<RawAnswer> {
  return calls.control('POST /revocations', { target, reason: 'r' })
}

/** A second person approves the rule. */
async function approve(target: object, realm = 'default'): Promise<void> {
  const asked = await calls.control(`POST /approvals?realm=${realm}`, { target, reason: 'r' })
  assert.equal(asked.status, 202, asked.body.toString())
  const path = `POST /approvals/${textAt(asked, 'id')}/approve?realm=${realm}`
  const approved = await calls.control(path, {}, second)
  assert.equal(approved.status, 200, approved.body.toString())
}

async function head(): Promise<number> {
  return (await server.store.head(realmOrdinal(1))).seq
}

const OWN_KEY = 'A'.repeat(43)

/** One target of each form of the API; each may cover something. */
async function targets(): Promise<readonly object[]> {
  const { access, refresh } = await calls.oauthGrant('alice')
  const looked = await calls.control('POST /tokens/lookup', { token: access })
  const { handle, grant } = memberAt(looked, 'facts') as { handle: string; grant: string }
  const foreign = { issuer: idp.issuer }
  return [
    { realm: true },
    { realm: 'default' },
    { key: OWN_KEY },
    { ...foreign },
    { ...foreign, session: 's' },
    { ...foreign, subject: 'u' },
    { ...foreign, client: 'c' },
    { ...foreign, tenant: 't' },
    { ...foreign, subject: 'u', client: 'c' },
    { ...foreign, subject: 'u', tenant: 't' },
    { ...foreign, tenant: 't', client: 'c' },
    { ...foreign, subject: 'u', basis: 'authenticated' },
    { ...foreign, jti: 'never seen' },
    { source: ['oauth', `iss:${idp.issuer}`], subject: 'nobody' },
    { source: 'chat/vouched' },
    { source: 'chat/vouched', client: '77' },
    { source: 'oauth' },
    { source: 'oauth', subject: 'alice' },
    { source: 'oauth', client: SVC.clientId },
    { source: 'oauth', subject: 'alice', client: SVC.clientId },
    { grant, source: 'oauth' },
    { grant },
    { token: access },
    { token: refresh },
    { handle },
  ]
}

test('every form of a target that may cover a token needs a second person where nobody may end one alone [H10]', async () => {
  const all = await targets()
  const before_ = await head()
  for (const target of all) {
    const asked = await revoke(target)
    assert.equal(asked.status, 202, `${JSON.stringify(target)}: ${asked.body.toString()}`)
    await done(`POST /approvals/${textAt(asked, 'id')}/deny`, {})
  }
  const { revocations } = jsonOf(await calls.control('GET /revocations')) as {
    revocations: readonly { seq?: number }[]
  }
  assert.equal(revocations.length, 0)
  assert.ok((await head()) > before_)
})

test('a rule that covers nothing needs no approval, even where everything else does [H10]', async () => {
  for (const target of [
    { source: 'oauth', subject: 'nobody' },
    { source: 'identity', tenant: 'none' },
    { source: 'chat/plain' },
    { source: 'identity', session: 'none' },
  ])
    assert.equal((await revoke(target)).status, 201, JSON.stringify(target))
})

test('placing a hold needs no approval; making it a revocation does [H10]', async () => {
  for (const target of [
    { ...{ issuer: idp.issuer }, subject: 'held' },
    { key: OWN_KEY },
    { source: 'chat/vouched' },
  ]) {
    const body = { target, reason: 'r', seconds: 3_600 }
    const placed = await done('POST /holds', { ...body, atDeadline: 'release' })
    const id = textAt(placed, 'id')
    assert.equal((await calls.control('POST /holds', { ...body, atDeadline: 'revoke' })).status, 409)
    assert.equal((await calls.control(`POST /holds/${id}/revoke`, {})).status, 409)
    await approve(target)
    assert.equal((await calls.control(`POST /holds/${id}/revoke`, {})).status, 200)
  }
})

test('every call that also ends tokens needs the approval that the rule would, and may use it [H10]', async () => {
  await done('POST /issuers', { issuer: 'https://gone.example', jwksUrl: idp.jwksUrl })
  const { issuers } = jsonOf(await calls.control('GET /issuers')) as {
    issuers: readonly { id: string; issuer: string }[]
  }
  const idOf = (issuer: string): string => issuers.find((one) => one.issuer === issuer)?.id ?? ''
  const client = { grantTypes: ['client_credentials', 'refresh_token'], scopes: ['read'] }
  const secrets = new Map<string, string>()
  for (const clientId of ['a', 'b', 'c', 'd', 'e', 'f']) {
    const made = await done('POST /clients', { clientId, ...client })
    const { secrets: own } = jsonOf(made) as { secrets: readonly { id: string }[] }
    secrets.set(clientId, own[0]?.id ?? '')
    await done('POST /grants', { clientId, subject: 'ann' })
  }
  await done('POST /signing-keys/rotate', {})
  const signing = jsonOf(await calls.control('GET /signing-keys')) as {
    signingKeys: readonly { keyId: string }[]
  }
  const keyId = signing.signingKeys[0]?.keyId ?? ''
  const table: readonly (readonly [string, unknown, object])[] = [
    ['POST /clients/a/disable', undefined, { source: 'oauth', client: 'a' }],
    ['PATCH /clients/b', { enabled: false }, { source: 'oauth', client: 'b' }],
    ['DELETE /clients/c', undefined, { source: 'oauth', client: 'c' }],
    ['PATCH /clients/f', { scopes: [], revokeTokens: true }, { source: 'oauth', client: 'f' }],
    ['POST /clients/d/secrets', { revokeTokens: true }, { source: 'oauth', client: 'd' }],
    [
      `DELETE /clients/e/secrets/${secrets.get('e')}?revokeTokens=true`,
      undefined,
      { source: 'oauth', client: 'e' },
    ],
    [`PATCH /issuers/${idOf(idp.issuer)}`, { enabled: false }, { issuer: idp.issuer }],
    [
      `PATCH /issuers/${idOf('https://gone.example')}`,
      { algorithms: ['ES256'] },
      { issuer: 'https://gone.example' },
    ],
    [`DELETE /issuers/${idOf('https://gone.example')}`, undefined, { issuer: 'https://gone.example' }],
    [
      'PATCH /chat-apps/vouched',
      { apiKey: 'another-api-key-0123456789', revokeTokens: true },
      { source: 'chat/vouched' },
    ],
    ['PATCH /chat-apps/vouched', { enabled: false }, { source: 'chat/vouched' }],
    ['DELETE /chat-apps/vouched', undefined, { source: 'chat/vouched' }],
    [`POST /signing-keys/${keyId}/revoke`, undefined, { key: keyId }],
  ]
  for (const [line, body, target] of table) {
    const before_ = await head()
    const refused = await calls.control(line, body)
    assert.equal(refused.status, 409, `${line}: ${refused.status} ${refused.body.toString()}`)
    assert.equal(await head(), before_, `${line}: nothing was written`)
    await approve(target)
    const passed = await calls.control(line, body)
    assert.ok(passed.status < 300, `${line}: ${passed.status} ${passed.body.toString()}`)
    // After an hour the approval has expired, and the next call needs another.
    server.clock.advance(3_600_001)
  }
})

test('tokens that end with the credentials of a rule or call are counted [H10]', async () => {
  const own = await calls.identityToken(BOB)
  const body = JSON.stringify({ application_credential: { name: 'robot' } })
  const path = `POST /v3/users/${BOB.id}/application_credentials`
  const made = await calls.send(path, [`X-Auth-Token: ${own}`, JSON_BODY], body)
  const named = { id: textAt(made, 'application_credential', 'id') }
  const secret = textAt(made, 'application_credential', 'secret')
  await calls.send('DELETE /v2.0/tokens', [`X-Auth-Token: ${own}`])
  const issuedBefore = new Date(server.clock.wallMs() + 1_000).toISOString()
  server.clock.advance(60_000)
  const identity = { methods: ['application_credential'], application_credential: { ...named, secret } }
  const logIn = () => calls.send('POST /v3/auth/tokens', [JSON_BODY], JSON.stringify({ auth: { identity } }))
  assert.equal((await logIn()).status, 201)
  const client = `app-credential:${named.id}`
  const target = { source: 'identity', subject: BOB.id }
  const seq = await head()
  assert.equal((await calls.control('POST /revocations', { target, issuedBefore, reason: 'r' })).status, 202)
  for (const id of [client, 'password'])
    assert.equal(
      (await calls.control(`DELETE /identity-users/${BOB.id}/credentials/${id}?reason=r`)).status,
      409,
      id,
    )
  assert.equal(await head(), seq + 1, 'the request alone')
  assert.equal((await logIn()).status, 201)
  await approve(target)
  assert.equal((await logIn()).status, 401)
  const password = `DELETE /identity-users/${BOB.id}/credentials/password?reason=r`
  assert.equal((await calls.control(password)).status, 200, 'it has been approved')
})

test('disabling or deleting a realm needs two people if its settings ask for two [H10]', async () => {
  for (const [line, body] of [
    ['PATCH /realms/branch', { enabled: false }],
    ['DELETE /realms/branch', undefined],
  ] as const) {
    assert.equal((await calls.control(line, body)).status, 409, line)
    await approve({ realm: true }, 'branch')
    assert.ok((await calls.control(line, body)).status < 300, line)
    server.clock.advance(3_600_001)
    await calls.control('PATCH /realms/branch', { enabled: true })
  }
})

test('an approval is valid for exactly the approved act, for an hour [H10]', async () => {
  await done('POST /clients', { clientId: 'x', grantTypes: ['refresh_token'], scopes: [] })
  await done('POST /grants', { clientId: 'x', subject: 'ann' })
  await approve({ source: 'oauth', client: 'x', subject: 'ann' })
  await done('POST /grants', { clientId: 'x', subject: 'ann' })
  assert.equal((await calls.control('POST /clients/x/disable')).status, 409)
  await approve({ source: 'oauth', client: 'x' })
  await done('POST /grants', { clientId: 'x', subject: 'ann' })
  server.clock.advance(3_600_001)
  assert.equal((await calls.control('POST /clients/x/disable')).status, 409)
})

test('a schedule that at its time covers more than one person may end becomes a request [H10]', async () => {
  await done('POST /clients', { clientId: 's', grantTypes: ['refresh_token'], scopes: [] })
  const target = { source: 'oauth', client: 's' }
  const at = new Date(server.clock.wallMs() + 60_000).toISOString()
  const scheduled = await done('POST /revocations/scheduled', { target, reason: 'later', at })
  const { access_token: token } = jsonOf(await done('POST /grants', { clientId: 's', subject: 'ann' })) as {
    access_token: string
  }
  server.clock.advance(60_001)
  await server.maintenance.tick()
  const { state } = jsonOf(await calls.control(`GET /revocations/scheduled/${textAt(scheduled, 'id')}`)) as {
    state: string
  }
  assert.equal(state, 'asked')
  const { approvals } = jsonOf(await calls.control('GET /approvals')) as {
    approvals: readonly { id: string; reason: string; askedBy: string }[]
  }
  const [request] = approvals.filter(({ reason }) => reason === 'later')
  const verdict = async (): Promise<string> =>
    (jsonOf(await calls.control('POST /verify', { token })) as { verdict: { kind: string } }).verdict.kind
  assert.equal(await verdict(), 'active')
  const approve_ = `POST /approvals/${request?.id}/approve`
  assert.equal((await calls.control(approve_, {})).status, 403, 'whoever scheduled it does not approve it')
  assert.equal((await calls.control(approve_, {}, second)).status, 200)
  assert.equal(await verdict(), 'inactive')
})
