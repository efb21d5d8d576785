import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { BADGE_TOKENS_MAX } from './badges.ts'
import {
  ADMIN,
  assertError,
  CLIENT_KEY,
  JSON_BODY,
  OTHER_CLIENT_KEY,
  openChat,
  type Reply,
} from './fixture.test.ts'

const texts = ({ json }: Reply): string[] => json.result.data.map(({ token }) => token)

test('logout ends the presented token only, and answers with its record', async () => {
  const { client, user, isLive } = await openChat()
  const [first = '', second = ''] = await client('u1', 2)
  const reply = await user('POST', '/me/logout', { token: first })
  assert.equal(reply.status, 200)
  assert.deepEqual(Object.keys(reply.json.result), [
    'token',
    'updatedAt',
    'expirationDate',
    'createdAt',
    'expirationDateMS',
  ])
  assert.equal(reply.json.result.token, first)
  assert.deepEqual([await isLive(first), await isLive(second)], [false, true])
  assertError(await user('POST', '/me/logout', { token: first }), 401, 'INVALID_TOKEN')
})

test('logout-others ends every other token of the client, of any kind, and no others', async () => {
  const { client, user, admin, isLive } = await openChat()
  const [first = '', own = '', third = ''] = await client('u1', 3)
  await admin('PUT', '/admin/clients/u1/token', { token: 'bound' })
  const [stranger = ''] = await client('u2', 1)
  const reply = await user('POST', '/me/logout-others', { token: own, value: {} })
  assert.deepEqual(texts(reply), [first, third, 'bound'])
  for (const token of [first, third, 'bound']) assert.equal(await isLive(token), false)
  for (const token of [own, stranger]) assert.equal(await isLive(token), true)
  assert.deepEqual(texts(await user('POST', '/me/logout-others', { token: own })), [])
  assert.equal((await admin('PUT', '/admin/clients/u1/token', { token: 'bound' })).status, 409)
})

test('more than a page of others is ended and listed, each with its own row', async () => {
  const { client, user, realm, isLive } = await openChat()
  const tokens = await client('u1', 1_201)
  const own = tokens[600] ?? ''
  const head = realm.index.seq
  const reply = await user('POST', '/me/logout-others', { token: own })
  const others = tokens.filter((token) => token !== own)
  assert.deepEqual(texts(reply), others)
  assert.equal(realm.index.seq, head + 1_200)
  assert.equal(await isLive(own), true)
  for (const token of others) assert.equal(await isLive(token), false)
})

test('logout-others also ends a suspended token: releasing its hold does not bring it back', async () => {
  const { client, user, realm, isLive, recordOf } = await openChat()
  const [own = '', other = ''] = await client('u1', 2)
  const { source, digest, handle } = (await recordOf(other)) ?? assert.fail('no record')
  const append = async (rule: Parameters<typeof realm.row>[0]): Promise<void> => {
    const row = realm.row(rule, { by: 'test', from: 'local', how: 'test' })
    await realm.commit({
      realm: realm.ordinal,
      dependsOn: [],
      expects: [],
      operations: [{ kind: 'append', row }],
    })
  }
  await append({ kind: 'hold', id: 'h1', target: { kind: 'token', source, digest, handle } })
  assert.deepEqual(texts(await user('POST', '/me/logout-others', { token: own })), [other])
  await append({ kind: 'release', id: 'h1' })
  assert.equal(await isLive(other), false)
  assert.deepEqual(texts(await user('POST', '/me/logout-others', { token: own })), [])
})

test('no body makes logout end another token', async (t) => {
  const { client, send, isLive } = await openChat()
  const [kept = ''] = await client('u1', 1)
  let tried = 0
  const bodies = fc.oneof(
    fc.constantFrom('', '{}', '{"all":true}', '{"token":"x"}', `{"token":"${kept}"}`, '[]', 'null', '{'),
    fc.jsonValue().map((value) => JSON.stringify(value)),
    fc.string(),
  )
  await fc.assert(
    fc.asyncProperty(bodies, fc.constantFrom('application/json', 'text/plain', ''), async (body, type) => {
      tried += 1
      const [token = ''] = await client('u1', 1)
      const headers = { 'IM-CLIENT-KEY': CLIENT_KEY, 'IM-Authorization': token, 'content-type': type }
      const { status } = await send({ method: 'POST', path: '/me/logout', headers, body })
      assert.equal(await isLive(token), status !== 200)
      assert.ok(status === 200 || status === 400, `${status} ${body}`)
      assert.equal(await isLive(kept), true)
    }),
    { numRuns: 400 },
  )
  t.diagnostic(`${tried} bodies were tried`)
})

test('users change their own profile; custom members need the API key', async () => {
  const { client, user, send, admin } = await openChat()
  await admin('POST', '/admin/clients', { _id: 'u1', plan: 'free' })
  const [token = ''] = await client('u1', 1)
  const reply = await user('POST', '/me', { token, value: { nickname: 'me', description: 'x' } })
  assert.equal(reply.status, 200)
  assert.equal(reply.json.result['nickname'], 'me')
  assert.equal(reply.json.result['plan'], 'free')
  assertError(await user('POST', '/me', { token, value: { plan: 'gold' } }), 403, 'PERMISSION_DENIED')
  for (const value of [
    { _id: 'u2' },
    { id: 1 },
    { token: 'x' },
    { issueAccessToken: true },
    { isRobot: true },
  ])
    assertError(await user('POST', '/me', { token, value }), 400, 'INVALID_REQUEST')
  const headers = { ...ADMIN, 'IM-Authorization': token, ...JSON_BODY }
  const byServer = await send({ method: 'POST', path: '/me', headers, body: '{"_id":"u1","plan":"gold"}' })
  assert.equal(byServer.json.result['plan'], 'gold')
})

test('an ended token changes no profile, and does not create a deleted client again', async () => {
  const { client, user, admin, realm } = await openChat()
  const [token = '', other = ''] = await client('u1', 2)
  await user('POST', '/me/logout', { token })
  assertError(await user('POST', '/me', { token, value: { nickname: 'x' } }), 401, 'INVALID_TOKEN')
  assert.equal((await admin('DELETE', '/admin/clients/u1')).status, 200)
  const head = realm.index.seq
  assertError(await user('POST', '/me', { token: other, value: { nickname: 'x' } }), 401, 'INVALID_TOKEN')
  assert.equal(realm.index.seq, head)
})

test('user routes refuse every token that is not live with the same answer', async () => {
  const { client, send, clock, user } = await openChat()
  const [token = '', ended = ''] = await client('u1', 2)
  await user('POST', '/me/logout', { token: ended })
  const routes = [
    ['GET', '/me'],
    ['POST', '/me'],
    ['POST', '/me/logout'],
    ['POST', '/me/logout-others'],
  ] as const
  for (const [method, path] of routes) {
    const ask = (clientKey: string, presented: string | undefined): Promise<Reply> => {
      const named = presented === undefined ? {} : { 'IM-Authorization': presented }
      return send({ method, path, headers: { 'IM-CLIENT-KEY': clientKey, ...named } })
    }
    const replies = [
      await ask(CLIENT_KEY, undefined),
      await ask(CLIENT_KEY, 'never'),
      await ask(CLIENT_KEY, ended),
    ]
    for (const reply of [...replies, await ask(OTHER_CLIENT_KEY, token)])
      assertError(reply, 401, 'INVALID_TOKEN')
    assertError(await ask('wrong', token), 403, 'INVALID_CLIENT_KEY')
    assertError(
      await send({ method, path, headers: { 'IM-Authorization': token } }),
      403,
      'MISSING_CLIENT_KEY',
    )
  }
  clock.advance(604_800_000)
  assertError(await user('GET', '/me', { token }), 401, 'INVALID_TOKEN')
})

test('badges name the client of each live token and leave the others out', async () => {
  const { client, send, user, admin } = await openChat()
  const [live = '', ended = ''] = await client('u1', 2)
  await admin('POST', '/admin/clients', { _id: 'u2', token: 'bound' })
  await user('POST', '/me/logout', { token: ended })
  const ask = (
    body: unknown,
    headers: Record<string, string> = { 'IM-CLIENT-KEY': CLIENT_KEY },
  ): Promise<Reply> =>
    send({
      method: 'POST',
      path: '/badges/',
      headers: { ...headers, ...JSON_BODY },
      body: JSON.stringify(body),
    })
  const reply = await ask({ tokens: [live, ended, 'never', 'bound'] })
  assert.deepEqual(reply.json.result.data, [
    { token: live, client: 'u1', badge: 0 },
    { token: 'bound', client: 'u2', badge: 0 },
  ])
  const foreign = await ask({ tokens: [live] }, { 'IM-CLIENT-KEY': OTHER_CLIENT_KEY })
  assert.deepEqual(foreign.json.result.data, [])
  assertError(await ask({ tokens: [live] }, {}), 403, 'MISSING_CLIENT_KEY')
  for (const body of [{}, { tokens: live }, { tokens: [''] }, { tokens: [1] }, { tokens: [], more: 1 }])
    assertError(await ask(body), 400, 'INVALID_REQUEST')
  const many = (count: number): unknown => ({ tokens: Array.from({ length: count }, () => live) })
  assert.equal((await ask(many(BADGE_TOKENS_MAX))).json.result.data.length, BADGE_TOKENS_MAX)
  assertError(await ask(many(BADGE_TOKENS_MAX + 1)), 400, 'INVALID_REQUEST')
})

test('a caller with only a public key may ask about a bounded number of tokens', async () => {
  const { send, clock } = await openChat()
  const ask = (): Promise<Reply> =>
    send({
      method: 'POST',
      path: '/badges',
      headers: { 'IM-CLIENT-KEY': CLIENT_KEY, ...JSON_BODY },
      body: '{"tokens":[]}',
    })
  for (let at = 0; at < 50; at += 1) assert.equal((await ask()).status, 200)
  assertError(await ask(), 429, 'RATE_LIMIT_EXCEEDED', ['retryAfter'])
  clock.advance(1_000)
  assert.equal((await ask()).status, 200)
})
