import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ADMIN, assertError, CLIENT_KEY, JSON_BODY, OTHER_ADMIN, openChat } from './fixture.test.ts'

const PUBLIC = { 'IM-CLIENT-KEY': CLIENT_KEY, ...JSON_BODY }
const SIGNERS = ['/auths/sign', '/auths/sign/v2', '/sign']

test('sign answers flat, and its second version with the same members in the envelope', async () => {
  const { admin, isLive } = await openChat()
  const ask = { id: 'u1', nickname: 'U', avatarUrl: 'http://x/y' }
  const flat = await admin('POST', '/auths/sign', ask)
  const members = flat.json as unknown as Record<string, unknown>
  assert.deepEqual(Object.keys(members), [
    'authType',
    'token',
    'expirationDate',
    'id',
    'nickname',
    'avatarUrl',
    'exp',
  ])
  assert.equal(members['authType'], 'Standalone JWT')
  const exp = Math.floor(Date.parse(String(members['expirationDate'])) / 1_000)
  assert.equal(members['exp'], exp)
  assert.equal(await isLive(String(members['token'])), true)
  const enveloped = await admin('POST', '/auths/sign/v2', { id: 'u2' })
  assert.deepEqual(Object.keys(enveloped.json), ['RC', 'RM', 'result'])
  assert.deepEqual(Object.keys(enveloped.json.result), ['authType', 'token', 'expirationDate', 'id', 'exp'])
  assert.notEqual(enveloped.json.result.token, members['token'])
})

test('signing creates or updates the client', async () => {
  const { admin, user } = await openChat()
  await admin('POST', '/auths/sign/v2', { id: 'u1', nickname: 'old' })
  const { token } = (await admin('POST', '/auths/sign/v2', { id: 'u1', nickname: 'new' })).json.result
  const me = await user('GET', '/me', { token })
  assert.equal(me.json.result['nickname'], 'new')
  assert.equal((await admin('DELETE', '/admin/clients/u1/token')).json.result.data.length, 2)
})

test('the reference calls sign a token with its expiry, and verify it flat with its claims', async () => {
  const { admin } = await openChat()
  const signed = (await admin('POST', '/sign', { id: 'u1', nickname: 'U' })).json as unknown as Record<
    string,
    string
  >
  assert.deepEqual(Object.keys(signed), ['token', 'expirationDate'])
  const token = signed['token'] ?? ''
  const verified = await admin('POST', '/verify', { token })
  assert.equal(verified.status, 200)
  const { exp, iat, ...who } = verified.json as unknown as Record<string, number>
  assert.deepEqual(who, { id: 'u1', nickname: 'U' })
  assert.equal(Number(exp) - Number(iat), 604_800)
  const [, payload = ''] = token.split('.')
  const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as Record<string, unknown>
  assert.deepEqual([claims['exp'], claims['iat']], [exp, iat])
  await admin('DELETE', '/admin/clients/u1/token', { token })
  assertError(await admin('POST', '/verify', { token }), 401, 'INVALID_TOKEN')
})

test('verify accepts bound text, reveals nothing of other apps, and takes only a token', async () => {
  const { admin, send } = await openChat()
  await admin('POST', '/admin/clients', { _id: 'u1', token: 'text' })
  const verified = (await admin('POST', '/verify', { token: 'text' })).json as unknown as Record<
    string,
    unknown
  >
  assert.equal(verified['id'], 'u1')
  const other = {
    method: 'POST',
    path: '/verify',
    headers: { ...OTHER_ADMIN, ...JSON_BODY },
    body: '{"token":"text"}',
  }
  assertError(await send(other), 401, 'INVALID_TOKEN')
  assertError(await admin('POST', '/verify', { token: 'never' }), 401, 'INVALID_TOKEN')
  for (const body of [{}, { token: '' }, { token: 1 }, { token: 'text', more: 1 }])
    assertError(await admin('POST', '/verify', body), 400, 'INVALID_REQUEST')
})

test('the client key alone signs tokens only for a sandbox app', async () => {
  const usual = await openChat()
  for (const path of SIGNERS) {
    const reply = await usual.send({ method: 'POST', path, headers: PUBLIC, body: '{"id":"u1"}' })
    assertError(reply, 403, 'PERMISSION_DENIED')
    assertError(
      await usual.send({ method: 'POST', path, headers: JSON_BODY, body: '{"id":"u1"}' }),
      401,
      'MISSING_API_KEY',
    )
    const wrong = { ...JSON_BODY, 'IM-CLIENT-KEY': 'wrong' }
    assertError(
      await usual.send({ method: 'POST', path, headers: wrong, body: '{"id":"u1"}' }),
      403,
      'INVALID_CLIENT_KEY',
    )
  }
  const sandbox = await openChat({ app: { sandbox: true } })
  for (const path of SIGNERS) {
    const reply = await sandbox.send({ method: 'POST', path, headers: PUBLIC, body: '{"id":"u1"}' })
    assert.equal(reply.status, 200, reply.text)
    const wrong = { ...JSON_BODY, 'IM-CLIENT-KEY': 'wrong' }
    assertError(
      await sandbox.send({ method: 'POST', path, headers: wrong, body: '{"id":"u1"}' }),
      403,
      'INVALID_CLIENT_KEY',
    )
  }
  // A sandbox opens nothing else.
  for (const [method, path] of [
    ['POST', '/verify'],
    ['POST', '/admin/clients'],
    ['GET', '/auths/tokens'],
  ] as const)
    assertError(await sandbox.send({ method, path, headers: PUBLIC, body: '{}' }), 403, 'PERMISSION_DENIED')
})

test('a signing body with a wrong id or members for binding is 400 and creates nothing', async () => {
  const { admin, realm } = await openChat()
  const head = realm.index.seq
  const bodies = [{}, { id: '' }, { id: 1 }, { _id: 'u1' }, { id: 'u1', _id: 'u2' }, { id: 'u1', token: 'x' }]
  for (const path of SIGNERS) {
    for (const body of [
      ...bodies,
      { id: 'u1', expirationDate: '2027-01-01T00:00:00Z' },
      { id: 'u1', nickname: 1 },
    ])
      assertError(await admin('POST', path, body), 400, 'INVALID_REQUEST')
    assertError(await admin('POST', path, [{ id: 'u1' }]), 400, 'INVALID_BODY')
  }
  assert.equal(realm.index.seq, head)
})

test('random text has as many bytes as requested, never too few, and is not bound', async () => {
  const { send, isLive } = await openChat()
  const ask = (query?: string): ReturnType<typeof send> =>
    send({ path: '/auths/token', headers: ADMIN, ...(query === undefined ? {} : { query }) })
  const usual = (await ask()).json.result.token
  assert.match(usual, /^[0-9a-f]{32}$/)
  assert.equal(await isLive(usual), false)
  assert.notEqual((await ask('size=16')).json.result.token, usual)
  assert.equal((await ask('size=256')).json.result.token.length, 512)
  for (const query of ['size=15', 'size=257', 'size=', 'size=x', 'size=16&size=16', 'bytes=16'])
    assertError(await ask(query), 400, 'INVALID_REQUEST')
})

test("the token list holds every live token of the app's clients, and no other", async () => {
  const { admin, client, clock, send, recordOf } = await openChat()
  const [revoked = '', kept = ''] = await client('u1', 2)
  await admin('POST', '/admin/clients', { _id: 'u2', token: 'short', expirationDate: '2026-03-01T12:00:01Z' })
  await admin('POST', '/admin/clients', { _id: 'u2', token: 'long' })
  await send({
    method: 'POST',
    path: '/admin/clients',
    headers: { ...OTHER_ADMIN, ...JSON_BODY },
    body: '{"_id":"x","token":"theirs"}',
  })
  await admin('DELETE', '/admin/clients/u1/token', { token: revoked })
  clock.advance(2_000)
  const reply = await send({ path: '/auths/tokens', headers: ADMIN })
  assert.deepEqual(
    reply.json.result.data.map((item) => [item['client'], item.token]),
    [
      ['u1', kept],
      ['u2', 'long'],
    ],
  )
  assert.equal(reply.json.result['totalCount'], 2)
  const [first] = reply.json.result.data
  assert.deepEqual(Object.keys(first ?? {}), [
    '_id',
    'token',
    'client',
    'expirationDate',
    'expirationDateMS',
    'id',
  ])
  assert.equal(first?.['_id'], (await recordOf(kept))?.handle)
  assertError(await send({ path: '/auths/tokens', query: 'limit=1', headers: ADMIN }), 400, 'INVALID_REQUEST')
})
