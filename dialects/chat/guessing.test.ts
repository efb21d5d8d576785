import assert from 'node:assert/strict'
import { test } from 'node:test'
import { WRONG_KEYS_BURST } from '@rescind/dialects'
import { wireRequest } from '../../test/kit/request.ts'
import {
  ADMIN,
  API_KEY,
  addApp,
  assertError,
  CLIENT_KEY,
  JSON_BODY,
  openChat,
  type Reply,
  reply,
} from './fixture.test.ts'

const HERE = '2001:db8::1'

// A key that opens an app must not be guessable on any route, and a guesser must not harm others.
test('[S3] beyond the bound of wrong API keys an address gets 429, even with the right one, and others go on', async () => {
  const world = await openChat()
  const other = await world.realms.create('other', { by: 'test', from: 'local', how: 'test' })
  await addApp(other, 'acme', [API_KEY, 'c'])
  const [token = ''] = await world.client('u1', 1)
  const routes = [
    ['GET', '/admin/clients', ''],
    ['DELETE', '/admin/clients/nobody/token', ''],
    ['POST', '/auths/sign', '{"id":"u1"}'],
    ['POST', '/badges', '{"tokens":[]}'],
    ['GET', '/me', ''],
  ] as const
  const ask = (nth: number, from: string, key: string): Promise<Reply> => {
    const [method, path, body] = routes[nth % routes.length] ?? assert.fail()
    const headers = { 'IM-API-KEY': key, 'IM-Authorization': token, ...JSON_BODY }
    return world.send({ method, path, from, headers, body })
  }
  for (let nth = 0; nth < WRONG_KEYS_BURST; nth += 1)
    assertError(
      await ask(nth, `2001:db8::${(nth % 500).toString(16)}`, `wrong-${nth}`),
      401,
      'INVALID_API_KEY',
    )
  for (const [nth] of routes.entries()) {
    assertError(await ask(nth, HERE, `one-more-${nth}`), 429, 'RATE_LIMIT_EXCEEDED', ['retryAfter'])
    assertError(await ask(nth, HERE, API_KEY), 429, 'RATE_LIMIT_EXCEEDED', ['retryAfter'])
    for (const from of ['2001:db8:0:1::1', '192.0.2.1'])
      assert.ok(![401, 429].includes((await ask(nth, from, API_KEY)).status), 'another address')
  }
  const elsewhere = wireRequest({ method: 'GET', path: '/admin/clients', from: HERE, headers: ADMIN })
  assert.equal((await reply(await world.dialect.handle(other, elsewhere))).status, 200, 'another realm')
  const headers = { 'IM-CLIENT-KEY': CLIENT_KEY, 'IM-Authorization': token }
  assert.equal((await world.send({ path: '/me', from: HERE, headers })).status, 200, 'a client key is public')
  assertError(await world.send({ path: '/admin/clients', from: HERE }), 401, 'MISSING_API_KEY')
  world.clock.advance(1_000)
  assert.equal((await ask(0, HERE, API_KEY)).status, 200, 'and later no more')
})

test('[S3] a server that keeps sending one old API key locks nobody out', async () => {
  const world = await openChat()
  for (let nth = 0; nth < WRONG_KEYS_BURST + 100; nth += 1)
    assertError(
      await world.send({ path: '/admin/clients', from: HERE, headers: { 'IM-API-KEY': 'old' } }),
      401,
      'INVALID_API_KEY',
    )
  assert.equal((await world.send({ path: '/admin/clients', from: HERE, headers: ADMIN })).status, 200)
})
