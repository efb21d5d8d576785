import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { API_KEY, Calls, CLIENT_KEY, JSON_BODY } from '../kit/calls.ts'
import { openForFile } from '../kit/in-process.ts'
import type { RawAnswer } from '../kit/raw-http.ts'
import { ANN, BOB, EVE, GATEWAY, OTHER, ROOT, SVC } from '../kit/seed.ts'

/** A token revoked by its dialect's own call is refused on every read path, like one that never existed. */

const { server, calls } = await openForFile({ time: 'hand', flags: ['--identity-rate', '0'] })
let root = ''
before(async () => {
  root = await calls.identityToken(ROOT)
})

/** A read path, with its status for a live and for a dead token. */
type ReadPath = {
  readonly name: string
  readonly ask: (token: string) => Promise<RawAnswer>
  readonly good: number
  readonly over: number
}

const authorization = (token: string): string => `IM-Authorization: ${token}`

const CHAT_PATHS: readonly ReadPath[] = [
  { name: 'GET /me by client key', ask: (token) => calls.chatMe(token), good: 200, over: 401 },
  {
    name: 'HEAD /me by client key',
    ask: (token) => calls.send('HEAD /me', [CLIENT_KEY, authorization(token)]),
    good: 200,
    over: 401,
  },
  {
    name: 'GET /me by API key, as Bearer',
    ask: (token) => calls.send('GET /me', [API_KEY, `Authorization: Bearer ${token}`]),
    good: 200,
    over: 401,
  },
]

const IDENTITY_PATHS: readonly ReadPath[] = [
  ...['GET', 'HEAD'].map((method) => ({
    name: `${method} by an operator`,
    ask: (token: string): Promise<RawAnswer> => calls.identity(method, root, token),
    good: 200,
    over: 404,
  })),
  {
    name: 'GET for its tenant',
    ask: (token) => calls.identity('GET', root, `${token}?belongsTo=${BOB.tenant}`),
    good: 200,
    over: 404,
  },
  ...['GET', 'HEAD'].map((method) => ({
    name: `${method} as itself`,
    ask: (token: string): Promise<RawAnswer> => calls.identity(method, token, token),
    good: 200,
    over: 401,
  })),
]

async function assertReads(token: string, paths: readonly ReadPath[], state: 'good' | 'over'): Promise<void> {
  for (const { name, ask, ...statuses } of paths)
    assert.equal((await ask(token)).status, statuses[state], `${name}, ${state}`)
  assert.equal(
    await calls.isActive(GATEWAY, token),
    state === 'good',
    `introspection by the gateway, ${state}`,
  )
}

test('[A01] a chat token, minted or assigned, revoked alone or with all others is refused everywhere', async () => {
  let count = 0
  for (const revoke of [
    (token: string) => calls.chatRevoke('ann', token),
    () => calls.chatRevoke('ann'),
    () => calls.send('DELETE /admin/clients/ann/token/', [API_KEY]),
  ]) {
    for (const make of [
      () => calls.chatToken('ann'),
      () => {
        count += 1
        return calls.chatBound('ann', `assigned-${count}`)
      },
    ]) {
      const [token, ofBob] = [await make(), await calls.chatToken('bob')]
      await assertReads(token, CHAT_PATHS, 'good')
      const revoked = await revoke(token)
      assert.equal(revoked.status, 200)
      assert.ok(revoked.body.includes(JSON.stringify(token)))
      await assertReads(token, CHAT_PATHS, 'over')
      assert.equal((await calls.chatRevoke('ann', token)).status, 404)
      await assertReads(ofBob, CHAT_PATHS, 'good')
      await assertReads(await calls.chatToken('ann'), CHAT_PATHS, 'good')
    }
  }
  const bind = JSON.stringify({ token: 'assigned-1' })
  for (const client of ['ann', 'bob']) {
    const answer = await calls.send(`PUT /admin/clients/${client}/token`, [API_KEY, JSON_BODY], bind)
    assert.equal(answer.status, 409, 'revoked text is never bound again')
  }
})

test('[A01] an Identity token revoked by itself or by an administrator is refused everywhere', async () => {
  for (const revoke of [
    (token: string) => calls.identity('DELETE', token, ''),
    (token: string) => calls.identity('DELETE', token, token),
    (token: string) => calls.identity('DELETE', root, token),
    (token: string) => calls.identity('DELETE', root, `?tokenId=${token}`),
  ]) {
    const [token, second] = [await calls.identityToken(BOB), await calls.identityToken(BOB)]
    await assertReads(token, IDENTITY_PATHS, 'good')
    assert.equal((await revoke(token)).status, 204)
    await assertReads(token, IDENTITY_PATHS, 'over')
    assert.equal((await calls.identity('DELETE', root, token)).status, 404)
    assert.equal((await calls.identity('DELETE', token, second)).status, 401, 'it has no rights any more')
    await assertReads(second, IDENTITY_PATHS, 'good')
  }
})

test('[A01] a revoked OAuth access token is refused everywhere; its refresh token works', async () => {
  const { access, refresh } = await calls.oauthGrant('user-1')
  assert.equal((await calls.oauthRevoke(SVC, access)).status, 200)
  for (const client of [SVC, GATEWAY]) assert.equal(await calls.isActive(client, access), false)
  assert.equal(await calls.isActive(SVC, refresh), true)
  assert.equal((await calls.oauthRefresh(SVC, refresh)).status, 200)
})

test('revoking a refresh token ends its grant, rotated tokens included, and no other grant', async () => {
  const [first, other] = [await calls.oauthGrant('user-1'), await calls.oauthGrant('user-1')]
  const rotated = await calls.oauthRefresh(SVC, first.refresh)
  const second = JSON.parse(rotated.body.toString()) as { access_token: string; refresh_token: string }
  assert.equal((await calls.oauthRevoke(SVC, second.refresh_token)).status, 200)
  for (const token of [first.access, first.refresh, second.access_token, second.refresh_token]) {
    for (const client of [SVC, GATEWAY]) assert.equal(await calls.isActive(client, token), false)
    const refused = await calls.oauthRefresh(SVC, token)
    assert.equal(refused.status, 400)
    assert.ok(refused.body.includes('"invalid_grant"'))
  }
  assert.equal(await calls.isActive(SVC, other.access), true)
  assert.equal((await calls.oauthRefresh(SVC, other.refresh)).status, 200)
})

/** All bytes of an answer except its date. */
function bytesOf({ statusLine, headers, body }: RawAnswer): string {
  const lines = headers.filter(([name]) => name !== 'date').map((header) => header.join(': '))
  return [statusLine, ...lines, '', body.toString('latin1')].join('\n')
}

async function assertAlike(answers: Readonly<Record<string, Promise<RawAnswer>>>): Promise<void> {
  const given = await Promise.all(
    Object.entries(answers).map(async ([name, answer]) => [name, bytesOf(await answer)] as const),
  )
  const [first] = given
  for (const [name, bytes] of given) assert.equal(bytes, first?.[1], `${name} and ${first?.[0]}`)
}

/** Text in the form of an access token and of an Identity token that was never issued. */
const NEVER = `rsa_${'0'.repeat(30)}2C8GjS`
const NEVER_IDENTITY = `rsi_${'0'.repeat(30)}2C8GjS`

test('[C05] introspection answers the same bytes for unknown, foreign, revoked, expired, used and malformed tokens', async () => {
  const expired = await calls.oauthToken(SVC)
  server.clock.advance(3_600_000)
  const [revoked, foreign] = [await calls.oauthToken(SVC), await calls.oauthToken(OTHER)]
  await calls.oauthRevoke(SVC, revoked)
  const used = await calls.oauthGrant('user-1')
  await calls.oauthRefresh(SVC, used.refresh)
  const chat = await calls.chatToken('ann')
  const identity = await calls.identityToken(ANN)
  const live = await calls.oauthToken(SVC)
  const texts = {
    unknown: NEVER,
    foreign,
    revoked,
    expired,
    used: used.refresh,
    chat,
    identity,
    'a broken checksum': `${NEVER.slice(0, -1)}T`,
    'cut off': live.slice(0, -1),
    'with something after it': `${live}0`,
    twice: live + live,
    'in capitals': live.toUpperCase(),
    'with a space': `${live} `,
    'with a newline': `\n${live}`,
    'full width': 'ｒｓａ＿',
    'only text': 'hello',
    'eight kilobytes': 'x'.repeat(8_192),
    'more than eight kilobytes': 'x'.repeat(8_193),
  }
  for (const text of Object.values(texts)) assert.equal(await calls.isActive(SVC, text), false)
  await assertAlike(Object.fromEntries(Object.entries(texts).map(([name, text]) => [name, introspect(text)])))
  assert.equal(await calls.isActive(SVC, live), true)
})

/** On a separate connection, because they are asked concurrently. */
async function alone(ask: (own: Calls) => Promise<RawAnswer>): Promise<RawAnswer> {
  const own = new Calls(server.port)
  try {
    return await ask(own)
  } finally {
    own.close()
  }
}

function introspect(token: string): Promise<RawAnswer> {
  return alone((own) => own.introspect(SVC, token))
}

test('[D04] every proper prefix of a token is unknown, and every change of one character', async () => {
  const live = await calls.oauthToken(SVC)
  for (let length = 1; length < live.length; length += 1)
    assert.equal(await calls.isActive(GATEWAY, live.slice(0, length)), false)
  for (let at = 0; at < live.length; at += 1) {
    const changed = live.slice(0, at) + (live[at] === 'A' ? 'B' : 'A') + live.slice(at + 1)
    assert.equal(await calls.isActive(GATEWAY, changed), false)
    assert.equal((await calls.oauthRevoke(SVC, changed)).status, 200)
  }
  assert.equal(await calls.isActive(GATEWAY, live), true)
})

test('[C15] [K05] revoking answers alike for tokens that a caller may not know about', async () => {
  const [revoked, ofSvc] = [await calls.oauthToken(SVC), await calls.oauthToken(SVC)]
  await calls.oauthRevoke(SVC, revoked)
  const revoke = (token: string): Promise<RawAnswer> => alone((own) => own.oauthRevoke(SVC, token))
  await assertAlike({
    unknown: revoke(NEVER),
    revoked: revoke(revoked),
    'its own, now': revoke(ofSvc),
    malformed: revoke('hello'),
    'of another dialect': revoke(await calls.chatToken('ann')),
  })
  await calls.chatClient('ann')
  const ofBob = await calls.chatToken('bob')
  const gone = await calls.chatToken('ann')
  await calls.chatRevoke('ann', gone)
  const chat = (token: string): Promise<RawAnswer> => alone((own) => own.chatRevoke('ann', token))
  await assertAlike({
    unknown: chat('never'),
    "another client's": chat(ofBob),
    revoked: chat(gone),
    'of another dialect': chat(NEVER),
  })
  assert.equal((await calls.chatMe(ofBob)).status, 200)
})

test('[K06] an Identity caller without rights always gets the same 403, one with rights the same 404', async () => {
  const [eve, bob, gone] = [
    await calls.identityToken(EVE),
    await calls.identityToken(BOB),
    await calls.identityToken(BOB),
  ]
  await calls.identity('DELETE', gone, '')
  root = await calls.identityToken(ROOT)
  for (const method of ['GET', 'HEAD', 'DELETE']) {
    const by = (caller: string, target: string): Promise<RawAnswer> =>
      alone((own) => own.identity(method, caller, target))
    await assertAlike({
      unknown: by(eve, NEVER_IDENTITY),
      live: by(eve, bob),
      revoked: by(eve, gone),
      malformed: by(eve, 'hello'),
      'of an operator': by(eve, root),
    })
    const access = await calls.oauthToken(SVC)
    await assertAlike({
      unknown: by(root, NEVER_IDENTITY),
      revoked: by(root, gone),
      malformed: by(root, 'hello'),
      'of another dialect': by(root, access),
    })
    assert.equal(await calls.isActive(SVC, access), true)
  }
  assert.equal((await calls.identity('GET', root, bob)).status, 200)
})
