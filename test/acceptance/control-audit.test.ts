import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { type RealmOrdinal, realmOrdinal } from '@rescind/core'
import { CONTROL, jsonOf, memberAt, textAt } from '../kit/calls.ts'
import { openForFile } from '../kit/in-process.ts'
import type { RawAnswer } from '../kit/raw-http.ts'
import { CHAT, SEED, SVC } from '../kit/seed.ts'

// [W87] [I24] Every act on others must leave a trace of its caller.

const CLIENT = { ...SVC, grantTypes: ['client_credentials', 'refresh_token', 'authorization_code'] }
const [FIRST, ...OTHERS] = SEED.realms as readonly Record<string, unknown>[]
const OWN = { ...FIRST, oauthClients: [{ ...CLIENT, scopes: ['read', 'write'], introspect: 'any' }] }
const { server, calls } = await openForFile({
  time: 'hand',
  seed: { realms: [OWN, ...OTHERS] },
  flags: ['--control-rate', '0'],
})
let second = ''

before(async () => {
  const made = await calls.control('POST /keys', { name: 'second', role: 'admin', owner: 'second' })
  second = `Authorization: Bearer ${textAt(made, 'key')}`
})

/** A call; it may use results of earlier calls by name. */
type Act = (made: Made) => readonly [line: string, body?: unknown, key?: string]
type Made = { readonly of: (operation: string, member: string) => string; readonly token: string }

const TARGET = { source: 'oauth', subject: 'nobody' }
const RULE = { target: TARGET, reason: 'r' }
const AT = '2026-03-02T00:00:00Z'
const KEYS = [
  {
    kty: 'EC',
    crv: 'P-256',
    x: 'f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU',
    y: 'x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0',
  },
]
const hold = { ...RULE, seconds: 3_600, atDeadline: 'release' }

/** One call of every endpoint that changes something, in a possible order. */
const ACTS: Readonly<Record<string, Act>> = {
  endIdentityCredential: () => ['DELETE /identity-users/77/credentials/api-key?reason=r'],
  endIdentityUser: () => ['POST /identity-users/77/end', { reason: 'r', password: true }],
  changeIdentityUser: () => ['PATCH /identity-users/78', { enabled: false }],
  endChatClient: () => [`POST /chat-apps/${CHAT.app}/clients/ann/end`, { reason: 'r' }],
  createGrant: () => ['POST /grants', { clientId: SVC.clientId, subject: 'ann' }],
  confirmClock: () => ['POST /clock/confirm'],
  createRealm: () => ['POST /realms', { name: 'branch' }],
  changeRealm: () => ['PATCH /realms/branch', { enabled: false }],
  deleteRealm: () => ['DELETE /realms/branch'],
  revoke: () => ['POST /revocations', RULE],
  revokeInBulk: ({ token }) => ['POST /revocations/bulk?dryRun=false&reason=r', `${token}\n`],
  scheduleRevocation: () => ['POST /revocations/scheduled', { ...RULE, at: AT }],
  cancelScheduledRevocation: ({ of }) => [`DELETE /revocations/scheduled/${of('scheduleRevocation', 'id')}`],
  placeHold: () => ['POST /holds', hold],
  extendHold: ({ of }) => [`POST /holds/${of('placeHold', 'id')}/extend`, { seconds: 99_999 }],
  releaseHold: ({ of }) => [`POST /holds/${of('placeHold', 'id')}/release`],
  revokeHold: ({ of }) => [`POST /holds/${of('another', 'id')}/revoke`],
  askApproval: () => ['POST /approvals', RULE],
  approve: ({ of }) => [`POST /approvals/${of('askApproval', 'id')}/approve`, {}, second],
  deny: ({ of }) => [`POST /approvals/${of('anotherApproval', 'id')}/deny`],
  changeSettings: () => ['PATCH /settings', { maxLifetimeSeconds: 30_000_000 }],
  createIssuer: () => ['POST /issuers', { issuer: 'https://idp.example', keys: KEYS }],
  changeIssuer: ({ of }) => [`PATCH /issuers/${of('createIssuer', 'id')}`, { skewSeconds: 1 }],
  deleteIssuer: ({ of }) => [`DELETE /issuers/${of('createIssuer', 'id')}`],
  createChatApp: () => ['POST /chat-apps', { name: 'new' }],
  changeChatApp: () => ['PATCH /chat-apps/new', { sandbox: true }],
  rotateChatApiKey: () => ['POST /chat-apps/new/rotate'],
  retireChatApiKey: () => ['POST /chat-apps/new/retire'],
  deleteChatApp: () => ['DELETE /chat-apps/new'],
  createKey: () => ['POST /keys', { name: 'new', role: 'viewer' }],
  revokeKey: ({ of }) => [`DELETE /keys/${of('createKey', 'id')}`],
  createVerifier: () => ['POST /verifiers', { name: 'new' }],
  rotateVerifierKey: () => ['POST /verifiers/new/rotate'],
  retireVerifierKey: () => ['POST /verifiers/new/retire'],
  deleteVerifier: () => ['DELETE /verifiers/new'],
  createCheckProfile: () => ['POST /check-profiles', { name: 'new' }],
  putCheckProfile: () => ['PUT /check-profiles/new', { scopes: ['read'] }],
  deleteCheckProfile: () => ['DELETE /check-profiles/new'],
  createClient: () => ['POST /clients', { clientId: 'new', grantTypes: ['client_credentials'], scopes: [] }],
  changeClient: () => ['PATCH /clients/new', { name: 'New' }],
  rotateClientSecret: () => ['POST /clients/new/secrets', {}],
  endClientSecret: ({ of }) => [`DELETE /clients/new/secrets/${of('secret', 'id')}`],
  disableClient: () => ['POST /clients/new/disable'],
  enableClient: () => ['POST /clients/new/enable'],
  deleteClient: () => ['DELETE /clients/new'],
  rotateSigningKey: () => ['POST /signing-keys/rotate', {}],
  revokeSigningKey: ({ of }) => [`POST /signing-keys/${of('signingKey', 'keyId')}/revoke`],
  replaceTokenPrefixes: () => ['PUT /token-prefixes', { access: 'acme_at_' }],
}

/** Unsafe methods that change nothing for others, with the reason. */
const NONE: Readonly<Record<string, string>> = {
  acknowledgeFeed: 'a verifier says how far it is itself',
  lookUpToken: 'it reads; the text stands in the body so that no log of addresses has it',
  find: 'the same',
  makeEvidence: 'it reads; an incident may have a thousand receipts',
  makeSystemEvidence: 'the same',
  verifyToken: 'the same',
  reviewToken: 'the same, in the form that Kubernetes asks for',
}

/** Tested elsewhere, because they need another setup. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  rotateMasterKey: 'a store with a key file: test/faults/master-key.test.ts',
}

async function heads(): Promise<readonly number[]> {
  return Promise.all([0, 1].map(async (at) => (await server.store.head(realmOrdinal(at))).seq))
}

async function auditsSince(before_: readonly number[]): Promise<readonly Record<string, unknown>[]> {
  const audits: Record<string, unknown>[] = []
  for (const [at, seq] of before_.entries()) {
    const ordinal: RealmOrdinal = realmOrdinal(at)
    for (const row of await server.store.chainedRowsAfter(ordinal, seq, 100))
      if (row.audit !== undefined) audits.push(JSON.parse(row.audit) as Record<string, unknown>)
  }
  return audits
}

test('every endpoint that changes something writes a row that says who did it, from where and how [W87] [I24]', async () => {
  const { paths } = jsonOf(await calls.control('GET /openapi.json')) as {
    readonly paths: Readonly<Record<string, Readonly<Record<string, { readonly operationId: string }>>>>
  }
  const unsafe = Object.values(paths).flatMap((methods) =>
    Object.entries(methods).flatMap(([method, { operationId }]) => (method === 'get' ? [] : [operationId])),
  )
  // A new endpoint must be in one of the tables.
  assert.deepEqual(Object.keys({ ...ACTS, ...NONE, ...ELSEWHERE }).sort(), unsafe.sort())
  const answers = new Map<string, RawAnswer>()
  answers.set('another', await calls.control('POST /holds', hold))
  answers.set('anotherApproval', await calls.control('POST /approvals', RULE))
  const token = (await calls.oauthGrant('alice')).access
  await calls.chatClient('ann')
  const member = (operation: string, name: string): string => {
    const answer = answers.get(operation)
    assert.ok(answer !== undefined, operation)
    return textAt(answer, name)
  }
  const made = {
    token,
    of: (operation: string, name: string): string => {
      if (operation === 'secret') return listed('createClient', 'secrets')[0]?.['id'] ?? ''
      if (operation === 'signingKey') return listed('rotateSigningKey', 'signingKeys')[0]?.['keyId'] ?? ''
      return member(operation, name)
    },
  }
  const listed = (operation: string, name: string): readonly Record<string, string>[] =>
    memberAt(answers.get(operation) as RawAnswer, name) as readonly Record<string, string>[]
  for (const [operation, act] of Object.entries(ACTS)) {
    const before_ = await heads()
    const [line, body, key = CONTROL] = act(made)
    const answer =
      typeof body === 'string'
        ? await calls.send(line.replace(' ', ' /control/v1'), [key, 'Content-Type: text/plain'], body)
        : await calls.control(line, body, key)
    assert.ok(answer.status < 300, `${operation}: ${answer.status} ${answer.body.toString()}`)
    answers.set(operation, answer)
    // Acts of the server itself, such as creating its first keys, are in its own name.
    const audits = (await auditsSince(before_)).filter(({ by }) => by !== 'server')
    assert.ok(audits.length > 0, `${operation} leaves no row`)
    for (const { by, from, how } of audits) {
      assert.match(String(by), /^control:/, operation)
      assert.equal(from, '127.0.0.1', operation)
      assert.match(String(how), new RegExp(`^(?:control|signingKeys)\\.`), operation)
    }
  }
})

test("a grant's row names its subject and client; its tokens, and those derived from them, name the creator [W87]", async () => {
  const made = await calls.control('POST /grants', { clientId: SVC.clientId, subject: 'carol' })
  const { rows } = jsonOf(await calls.control('GET /audit?limit=1')) as {
    rows: readonly { kind: string; rule: Record<string, unknown>; audit: Record<string, unknown> }[]
  }
  const refresh = textAt(made, 'refresh_token')
  const again = await calls.send(
    'POST /api/id/v1/auth/token',
    [
      `Authorization: Basic ${Buffer.from(`${SVC.clientId}:${SVC.clientSecret}`).toString('base64')}`,
      'Content-Type: application/x-www-form-urlencoded',
    ],
    `grant_type=refresh_token&refresh_token=${refresh}`,
  )
  const looked: Record<string, unknown>[] = []
  for (const token of [textAt(made, 'access_token'), refresh, textAt(again, 'access_token')]) {
    const found = jsonOf(await calls.control('POST /tokens/lookup', { token })) as Record<string, unknown>
    assert.equal(found['mintedBy'], 'control:first')
    looked.push(found['facts'] as Record<string, unknown>)
  }
  const [row] = rows
  assert.deepEqual(row?.rule, { collection: 'grants', id: looked[0]?.['grant'], version: 1 })
  assert.deepEqual(row?.audit, {
    by: 'control:first',
    byName: 'first',
    from: '127.0.0.1',
    how: 'control.createGrant',
    cause: { code: 'grant', client: SVC.clientId, subject: 'carol' },
  })
  const own = jsonOf(await calls.control('POST /tokens/lookup', { token: await calls.oauthToken(SVC) }))
  assert.equal((own as Record<string, unknown>)['mintedBy'], undefined, 'a client that mints for itself')
})

test('a code made for a subject writes the same row, and its tokens name the creator [W87]', async () => {
  const verifier = 'v'.repeat(43)
  const digest = await crypto.subtle.digest('SHA-256', Buffer.from(verifier))
  const redirectUri = 'https://app.example/cb'
  const made = await calls.control('POST /grants', {
    clientId: SVC.clientId,
    subject: 'dave',
    redirectUri,
    codeChallenge: Buffer.from(digest).toString('base64url'),
    codeChallengeMethod: 'S256',
  })
  assert.equal(made.status, 201, made.body.toString())
  const { rows } = jsonOf(await calls.control('GET /audit?limit=1')) as {
    rows: readonly { audit: { how: string } }[]
  }
  assert.equal(rows[0]?.audit.how, 'control.createGrant')
  const form = new URLSearchParams({
    grant_type: 'authorization_code',
    code: textAt(made, 'code'),
    redirect_uri: redirectUri,
    code_verifier: verifier,
  })
  const redeemed = await calls.send(
    'POST /api/id/v1/auth/token',
    [
      `Authorization: Basic ${Buffer.from(`${SVC.clientId}:${SVC.clientSecret}`).toString('base64')}`,
      'Content-Type: application/x-www-form-urlencoded',
    ],
    form.toString(),
  )
  const token = textAt(redeemed, 'access_token')
  assert.equal(textAt(await calls.control('POST /tokens/lookup', { token }), 'mintedBy'), 'control:first')
})

test('[W43] [I24] a deleted control key keeps its name in receipts, audit and filters; a name that no key had is 422', async () => {
  const made = await calls.control('POST /keys', { name: 'bob', role: 'responder' })
  const bob = [`Authorization: Bearer ${textAt(made, 'key')}`]
  const acts = [
    await calls.control('POST /revocations', { ...RULE, reason: 'by bob' }, bob),
    await calls.control('POST /holds', { ...hold, reason: 'by bob' }, bob),
    await calls.control('POST /revocations/scheduled', { ...RULE, at: AT, reason: 'by bob' }, bob),
  ]
  for (const act of acts) assert.equal(act.status, 201, act.body.toString())
  const id = textAt(acts[0] as RawAnswer, 'id')
  assert.equal((await calls.control(`DELETE /keys/${textAt(made, 'id')}`)).status, 204)
  const receipt = await calls.control(`GET /revocations/${id}`)
  assert.deepEqual(
    [textAt(receipt, 'byName'), textAt(receipt, 'by')],
    ['bob', `control:${textAt(made, 'id')}`],
  )
  const found = await calls.control('GET /revocations?by=bob')
  assert.deepEqual(
    (memberAt(found, 'revocations') as { id: string }[]).map((one) => one.id),
    [id],
  )
  const audit = memberAt(await calls.control('GET /audit?by=bob&limit=100'), 'rows') as {
    audit: { byName: string }
  }[]
  assert.ok(audit.length >= 4 && audit.every((row) => row.audit.byName === 'bob'))
  for (const path of ['/revocations', '/audit', '/audit/system']) {
    assert.equal((await calls.control(`GET ${path}?by=nobody-of-that-name`)).status, 422, path)
    assert.equal((await calls.control(`GET ${path}?by=control:key_nobody`)).status, 200, path)
    assert.equal((await calls.control(`GET ${path}?who=bob`)).status, 422, path)
  }
})
