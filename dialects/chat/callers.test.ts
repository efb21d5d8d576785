import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SettingsRefused } from '@rescind/core'
import { openWorld } from '../../test/kit/realm.ts'
import { chatAppValue } from './app-value.ts'
import {
  ADMIN,
  API_KEY,
  assertError,
  CLIENT_KEY,
  JSON_BODY,
  OTHER_ADMIN,
  openChat,
  type Reply,
  tokenPath,
} from './fixture.test.ts'

test('an API key with an address list is accepted from those addresses only, on every kind of route', async () => {
  const world = await openChat({ app: { apiKeySources: ['10.1.0.0/16', '2001:db8::/32', '192.0.2.7'] } })
  const routes = [
    ['POST', '/admin/clients', '{"_id":"u1"}'],
    ['DELETE', tokenPath('u1'), ''],
    ['POST', '/auths/sign', '{"id":"u1"}'],
    ['POST', '/badges', '{"tokens":[]}'],
    ['GET', '/auths/tokens', ''],
  ] as const
  for (const [method, path, body] of routes) {
    const ask = (from: string): Promise<Reply> =>
      world.send({ method, path, from, headers: { ...ADMIN, ...JSON_BODY }, body })
    for (const from of ['10.1.255.255', '2001:db8:9::1', '192.0.2.7', '::ffff:10.1.2.3'])
      assert.equal((await ask(from)).status, 200, `${path} ${from}`)
    for (const from of ['10.2.0.1', '192.0.2.8', '2001:db9::1', '127.0.0.1', ''])
      assertError(await ask(from), 403, 'PERMISSION_DENIED')
  }
  const { token } = (await world.send({ ...signing, from: '10.1.0.1' })).json.result
  // The client key works from everywhere.
  const headers = { 'IM-CLIENT-KEY': CLIENT_KEY, 'IM-Authorization': token }
  assert.equal((await world.send({ path: '/me', headers, from: '203.0.113.9' })).status, 200)
})

const signing = {
  method: 'POST',
  path: '/auths/sign/v2',
  headers: { ...ADMIN, ...JSON_BODY },
  body: '{"id":"u1"}',
}

test('an API key over its calls per minute gets 429 with Retry-After, and may still revoke', async () => {
  const world = await openChat({ app: { requestsPerMinute: 60 } })
  const [token = ''] = await world.client('u1', 1)
  for (let at = 2; at < 60; at += 1) assert.equal((await world.admin('GET', '/auths/token')).status, 200)
  const over = await world.admin('GET', '/auths/token')
  assertError(over, 429, 'RATE_LIMIT_EXCEEDED', ['retryAfter'])
  assert.equal((over.json as unknown as { retryAfter: number }).retryAfter, 1)
  assert.equal(over.headers['retry-after'], '1')
  for (const [method, path] of [
    ['POST', '/admin/clients'],
    ['PUT', tokenPath('u1')],
    ['GET', '/admin/clients'],
  ] as const)
    assertError(await world.admin(method, path), 429, 'RATE_LIMIT_EXCEEDED', ['retryAfter'])
  assert.equal((await world.admin('DELETE', tokenPath('u1'), { token })).status, 200)
  assert.equal((await world.admin('DELETE', tokenPath('u1'))).status, 200)
  assert.equal((await world.admin('DELETE', '/admin/clients/u1')).status, 200)
  assert.equal((await world.send({ path: '/auths/token', headers: OTHER_ADMIN })).status, 200)
  world.clock.advance(1_000)
  assert.equal((await world.admin('GET', '/auths/token')).status, 200)
  assert.equal((await world.admin('GET', '/auths/token')).status, 429)
})

test('an app without a limit has that of the server, and 0 means no limit', async () => {
  const limited = await openChat({ options: { requestsPerMinute: 2 } })
  const statuses = async (world: typeof limited): Promise<number[]> => {
    const replies = []
    for (let at = 0; at < 4; at += 1) replies.push((await world.admin('GET', '/auths/token')).status)
    return replies
  }
  assert.deepEqual(await statuses(limited), [200, 200, 429, 429])
  const free = await openChat({ app: { requestsPerMinute: 0 }, options: { requestsPerMinute: 2 } })
  assert.deepEqual(await statuses(free), [200, 200, 200, 200])
})

test('the keys of a disabled app are refused as unknown', async () => {
  const world = await openChat({ app: { enabled: false } })
  assertError(await world.admin('GET', '/admin/clients'), 401, 'INVALID_API_KEY')
  assertError(await world.admin('DELETE', tokenPath('u1')), 401, 'INVALID_API_KEY')
  const headers = { 'IM-CLIENT-KEY': CLIENT_KEY, 'IM-Authorization': 'x' }
  assertError(await world.send({ path: '/me', headers }), 403, 'INVALID_CLIENT_KEY')
})

test('an app that asks for the newer members gets them beside the envelope, never instead of it', async () => {
  const world = await openChat({ app: { newerMembers: true } })
  const made = await world.admin('POST', '/admin/clients', {
    _id: 'u1',
    nickname: 'U',
    issueAccessToken: true,
  })
  const flat = made.json as unknown as Record<string, unknown>
  assert.deepEqual([flat['RC'], flat['RM'], flat['success']], [0, 'OK', true])
  const { token, expirationDate } = made.json.result as unknown as Record<string, string>
  assert.deepEqual([flat['_id'], flat['nickname'], flat['token']], ['u1', 'U', token])
  assert.deepEqual([flat['expirationDate'], flat['issueAccessToken']], [expirationDate, true])
  const bound = await world.admin('PUT', tokenPath('u1'), { token: 'text' })
  const boundFlat = bound.json as unknown as Record<string, unknown>
  assert.deepEqual(Object.keys(bound.json.result), ['token', 'client', 'expirationDate', 'expirationDateMS'])
  assert.deepEqual(
    [boundFlat['_id'], boundFlat['token'], boundFlat['issueAccessToken']],
    ['u1', 'text', false],
  )
  const one = (await world.admin('DELETE', tokenPath('u1'), { token: 'text' })).json as unknown as Record<
    string,
    unknown
  >
  assert.deepEqual(
    [one['RC'], one['success'], one['revokedTokens'], typeof one['message']],
    [0, true, 1, 'string'],
  )
  for (const count of [501, 1]) {
    for (let at = 0; at < count; at += 1) await world.client('u1', 1)
    const all = await world.admin('DELETE', tokenPath('u1'))
    const members = all.json as unknown as Record<string, unknown>
    assert.equal(members['RC'], 0)
    assert.equal(members['revokedTokens'], all.json.result.data.length)
    assert.ok(all.json.result.data.length >= count)
  }
})

test('no custom member of a client can overwrite a member of the envelope', async () => {
  const world = await openChat({ app: { newerMembers: true } })
  const kept = { RC: 7, RM: 'no', error: 'no', success: false, message: 'no' }
  const { json, status } = await world.admin('POST', '/admin/clients', { _id: 'u1', ...kept })
  const flat = json as unknown as Record<string, unknown>
  assert.deepEqual([status, flat['RC'], flat['RM'], flat['success']], [200, 0, 'OK', true])
  assert.deepEqual(['error' in flat, 'message' in flat], [false, false])
  assert.deepEqual([json.result['RC'], json.result['error']], [7, 'no'])
})

test('an app that does not ask gets the envelope and nothing else', async () => {
  const { admin } = await openChat()
  const replies = [
    await admin('POST', '/admin/clients', { _id: 'u1', issueAccessToken: true }),
    await admin('PUT', tokenPath('u1'), { token: 'text' }),
    await admin('DELETE', tokenPath('u1'), { token: 'text' }),
    await admin('DELETE', tokenPath('u1')),
    await admin('DELETE', '/admin/clients/u1'),
  ]
  for (const { json } of replies) assert.deepEqual(Object.keys(json), ['RC', 'RM', 'result'])
})

test("every answer that deals with a token names the token's id, and no id of it holds its text", async () => {
  const world = await openChat()
  const { admin, user } = world
  const made = await admin('POST', '/admin/clients', { _id: 'u1', issueAccessToken: true })
  const { token } = made.json.result
  const handle = (await world.recordOf(token))?.handle
  assert.equal(made.headers['im-token-id'], handle)
  assert.equal((await user('GET', '/me', { token })).headers['im-token-id'], handle)
  assert.equal((await admin('POST', '/verify', { token })).headers['im-token-id'], handle)
  const bound = await admin('PUT', tokenPath('u1'), { token: 'text' })
  assert.equal(bound.headers['im-token-id'], (await world.recordOf('text'))?.handle)
  const again = await admin('PUT', tokenPath('u1'), { token: 'text', expirationDate: '2026-04-01T00:00:00Z' })
  assert.equal(again.headers['im-token-id'], bound.headers['im-token-id'])
})

test('invalid app settings are refused with a one-line message', async () => {
  const { realm } = await openWorld()
  const good = { name: 'acme', apiKey: API_KEY, clientKey: CLIENT_KEY }
  const broken = [
    { apiKeySources: [] },
    { apiKeySources: ['10.0.0.0/33'] },
    { apiKeySources: ['somewhere'] },
    { apiKeySources: Array.from({ length: 65 }, () => '10.0.0.0/8') },
    { requestsPerMinute: -1 },
    { requestsPerMinute: 1.5 },
    { maxLifetimeSeconds: 0 },
    { maxLifetimeSeconds: 3_650 * 86_400 + 1 },
    { tombstonesMax: -1 },
    { verifyUrl: 'verify' },
    { verifyUrl: 'ftp://verify.example/' },
    { verifyUrl: 'https://u:p@verify.example/' },
    { verifyUrl: 'https://verify.example/#x' },
  ]
  for (const more of broken) {
    assert.throws(
      () => chatAppValue(realm, { ...good, ...more }),
      (error) => error instanceof SettingsRefused && !error.message.includes('\n'),
      JSON.stringify(more),
    )
  }
  const most = {
    maxLifetimeSeconds: 3_650 * 86_400,
    requestsPerMinute: 0,
    tombstonesMax: 0,
    apiKeySources: ['::/0'],
  }
  assert.deepEqual(Object.keys(chatAppValue(realm, { ...good, ...most })).length, 8)
})
