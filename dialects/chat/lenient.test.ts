import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Operation, Store } from '@rescind/authority'
import { onBothStores } from '../../test/kit/stores.ts'
import { ADMIN, assertError, type ChatWorld, CLIENT_KEY, openChat, tokenPath } from './fixture.test.ts'

test('[W29] null counts as an absent member, where no decision depends on it', async () => {
  const { admin, user, recordOf, client } = await openChat()
  const nothing = { nickname: null, avatarUrl: null, expirationDate: null, id: null }
  const made = await admin('POST', '/admin/clients', { _id: 'u1', ...nothing })
  assert.equal(made.status, 200, made.text)
  assert.equal('nickname' in made.json.result, false)
  await admin('POST', '/admin/clients', { _id: 'u1', nickname: 'Ann' })
  const again = await admin('POST', '/admin/clients', { _id: 'u1', ...nothing })
  assert.equal(again.json.result['nickname'], 'Ann', 'what is not said stays')
  assert.equal(
    (await admin('POST', '/admin/clients/list', { data: [{ _id: 'u2', ...nothing }] })).status,
    200,
  )
  assert.equal(
    (await admin('POST', '/auths/sign', { id: 'u1', nickname: null, avatarUrl: null })).status,
    200,
  )
  const bound = await admin('PUT', tokenPath('u1'), { token: 'bound', expirationDate: null })
  assert.equal(bound.status, 200, bound.text)
  assert.ok((await recordOf('bound')) !== undefined)
  const issued = { _id: 'u1', issueAccessToken: true, nickname: null, expirationDate: null }
  assert.equal((await admin('POST', '/admin/clients', issued)).status, 200)
  const [token = ''] = await client('u1', 1)
  assert.equal((await user('POST', '/me', { token, value: { nickname: null } })).status, 200)
  // `token` decides what happens: null names none, and does not mean "all".
  for (const [method, path] of [
    ['DELETE', tokenPath('u1')],
    ['PUT', tokenPath('u1')],
    ['POST', '/verify'],
  ] as const)
    assertError(await admin(method, path, { token: null }), 400, 'INVALID_REQUEST')
  assertError(await admin('POST', '/admin/clients', { _id: 'u1', token: null }), 400, 'INVALID_REQUEST')
  assertError(await admin('POST', '/admin/clients', { _id: null, id: 'u1' }), 400, 'INVALID_REQUEST')
  assert.equal((await user('GET', '/me', { token })).status, 200)
})

test('[N04] numbers in a query have one spelling: leading zeros, signs and fractions are refused', async () => {
  const { send } = await openChat()
  const ask = (path: string, query: string): ReturnType<typeof send> => send({ path, query, headers: ADMIN })
  for (const text of ['01', '00', '007', '+1', '-1', '1.0', '1e1', '0x1', '%201', '1%20', '', '1234567890']) {
    assertError(await ask('/admin/clients', `limit=${text}`), 400, 'INVALID_REQUEST')
    assertError(await ask('/admin/clients', `skip=${text}`), 400, 'INVALID_REQUEST')
    assertError(await ask('/auths/token', `size=${text}`), 400, 'INVALID_REQUEST')
  }
  assert.equal((await ask('/admin/clients', 'limit=1&skip=0')).status, 200)
  assert.equal((await ask('/auths/token', 'size=16')).status, 200)
})

test('credentials for a proxy in front of the site are not a user token, and do not conflict with one', async () => {
  const { client, send } = await openChat()
  const [token = ''] = await client('u1', 1)
  for (const own of [
    'Basic dXNlcjpwYXNz',
    'basic dXNlcjpwYXNz',
    'Digest username="u"',
    'Negotiate YII=',
    'NTLM TlRM',
  ]) {
    const headers = { 'IM-CLIENT-KEY': CLIENT_KEY, Authorization: own }
    const both = await send({ path: '/me', headers: { ...headers, 'IM-Authorization': token } })
    assert.equal(both.status, 200, own)
    assertError(await send({ path: '/me', headers }), 401, 'INVALID_TOKEN')
  }
  const headers = { 'IM-CLIENT-KEY': CLIENT_KEY, 'IM-Authorization': token, Authorization: 'Bearer other' }
  assertError(await send({ path: '/me', headers }), 400, 'INVALID_REQUEST')
  assert.equal(
    (await send({ path: '/me', headers: { ...headers, Authorization: `Bearer ${token}` } })).status,
    200,
  )
})

async function append({ realm }: ChatWorld, rule: Parameters<ChatWorld['realm']['row']>[0]): Promise<void> {
  const row = realm.row(rule, { by: 'test', from: 'local', how: 'test' })
  const operations: readonly Operation[] = [{ kind: 'append', row }]
  await realm.commit({ realm: realm.ordinal, dependsOn: [], expects: [], operations })
}

onBothStores('[H24] a logout during a hold lasts when the hold is released', async (store: Store) => {
  const world = await openChat({ store })
  const { client, user, recordOf, admin } = world
  const [mine = '', other = '', late = ''] = await client('u1', 3)
  await admin('PUT', tokenPath('u1'), { token: 'bound' })
  const of = { source: 'chat/acme', client: 'u1' }
  const { source, digest, handle } = (await recordOf(mine)) ?? assert.fail('no record')
  const targets = [
    { kind: 'cut', shape: 'client', principals: of },
    { kind: 'cut', shape: 'source', principals: { source: 'chat/acme' } },
    { kind: 'token', source, digest, handle },
  ] as const
  for (const [nth, target] of targets.entries())
    await append(world, { kind: 'hold', id: `hold_${nth}`, target })
  for (const token of [mine, 'bound']) {
    assertError(await user('GET', '/me', { token }), 401, 'INVALID_TOKEN')
    assertError(await user('POST', '/me', { token, value: { lang: 'de' } }), 401, 'INVALID_TOKEN')
    assertError(await user('POST', '/me/logout-others', { token }), 401, 'INVALID_TOKEN')
    const reply = await user('POST', '/me/logout', { token })
    assert.equal(reply.status, 200, reply.text)
    assert.equal(reply.json.result.token, token)
    assertError(await user('POST', '/me/logout', { token }), 401, 'INVALID_TOKEN')
  }
  for (const nth of targets.keys()) await append(world, { kind: 'release', id: `hold_${nth}` })
  for (const token of [mine, 'bound']) assertError(await user('GET', '/me', { token }), 401, 'INVALID_TOKEN')
  for (const token of [other, late]) assert.equal((await user('GET', '/me', { token })).status, 200)
  // Under a hold, expired and unknown tokens are still refused.
  await append(world, { kind: 'hold', id: 'hold_9', target: targets[0] })
  world.clock.advance(8 * 86_400_000)
  for (const token of [late, 'unknown'])
    assertError(await user('POST', '/me/logout', { token }), 401, 'INVALID_TOKEN')
})
