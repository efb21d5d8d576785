import assert from 'node:assert/strict'
import { test } from 'node:test'
import { withoutKeyed } from '../../test/kit/wrapped-store.ts'
import {
  ADMIN,
  API_KEY,
  assertError,
  CLIENT_KEY,
  OTHER_API_KEY,
  OTHER_CLIENT_KEY,
  openChat,
  tokenPath,
} from './fixture.test.ts'

const PATH = '/me'

test('a live token is answered with its client, for all names and forms of the headers', async () => {
  const { client, admin, send } = await openChat()
  const [token = ''] = await client('u1', 1)
  const expected = await admin('POST', '/admin/clients', { _id: 'u1', nickname: 'Amy' })
  for (const key of [
    { 'IM-CLIENT-KEY': CLIENT_KEY },
    { 'IM-Client-Key': CLIENT_KEY },
    { CLIENT_KEY },
    { 'IM-CLIENT-KEY': CLIENT_KEY, CLIENT_KEY },
    ADMIN,
    { API_KEY },
    { ...ADMIN, CLIENT_KEY },
  ]) {
    for (const user of [
      { 'IM-Authorization': token },
      { 'IM-Authorization': `Bearer ${token}` },
      { Authorization: token },
      { Authorization: `bearer ${token}` },
      { Authorization: `Bearer ${token}`, 'IM-Authorization': token },
    ]) {
      for (const method of ['GET', 'HEAD']) {
        const answer = await send({ method, path: PATH, headers: { ...key, ...user } })
        assert.equal(answer.status, 200)
        assert.equal(answer.text, expected.text)
      }
    }
  }
})

test('the answer holds no token', async () => {
  const { admin, send } = await openChat()
  await admin('POST', '/admin/clients', { _id: 'u1', token: 'my-token' })
  const answer = await send({ path: PATH, headers: { CLIENT_KEY, 'IM-Authorization': 'my-token' } })
  assert.equal(answer.status, 200)
  assert.equal(answer.text.includes('my-token'), false)
})

test('tokens that are missing, unknown, expired, revoked or of another app get the same 401', async () => {
  const { client, admin, send, clock } = await openChat()
  const [live = '', revoked = ''] = await client('u1', 2)
  await admin('PUT', tokenPath('u1'), { token: 'expired', expirationDate: '2026-03-01T12:00:01Z' })
  await admin('DELETE', tokenPath('u1'), { token: revoked })
  clock.advance(1_000)
  const answers = new Set<string>()
  for (const token of [
    undefined,
    '',
    'Bearer',
    'never-seen',
    'expired',
    revoked,
    `${live}x`,
    'x'.repeat(8_193),
  ]) {
    const user: Record<string, string> = token === undefined ? {} : { 'IM-Authorization': token }
    const answer = await send({ path: PATH, headers: { CLIENT_KEY, ...user } })
    assertError(answer, 401, 'INVALID_TOKEN')
    answers.add(answer.text)
  }
  const others: Record<string, string>[] = [{ CLIENT_KEY: OTHER_CLIENT_KEY }, { API_KEY: OTHER_API_KEY }]
  for (const key of others) {
    const answer = await send({ path: PATH, headers: { ...key, 'IM-Authorization': live } })
    assertError(answer, 401, 'INVALID_TOKEN')
    answers.add(answer.text)
  }
  assert.equal(answers.size, 1)
})

test('keys are checked before the token is looked at', async () => {
  const { client, send } = await openChat()
  const [live = ''] = await client('u1', 1)
  const wrong: [Record<string, string>, number, string][] = [
    [{}, 403, 'MISSING_CLIENT_KEY'],
    [{ CLIENT_KEY: '' }, 403, 'MISSING_CLIENT_KEY'],
    [{ CLIENT_KEY: 'wrong' }, 403, 'INVALID_CLIENT_KEY'],
    [{ CLIENT_KEY: API_KEY }, 403, 'INVALID_CLIENT_KEY'],
    [{ API_KEY: 'wrong' }, 401, 'INVALID_API_KEY'],
    [{ API_KEY: CLIENT_KEY }, 401, 'INVALID_API_KEY'],
    [{ API_KEY, CLIENT_KEY: 'wrong' }, 403, 'INVALID_CLIENT_KEY'],
    [{ API_KEY, CLIENT_KEY: OTHER_CLIENT_KEY }, 403, 'CLIENT_KEY_MISMATCH'],
    [{ CLIENT_KEY, 'IM-CLIENT-KEY': OTHER_CLIENT_KEY }, 400, 'INVALID_REQUEST'],
    [{ API_KEY, 'IM-API-KEY': OTHER_API_KEY }, 400, 'INVALID_REQUEST'],
    [{ CLIENT_KEY, Authorization: 'another' }, 400, 'INVALID_REQUEST'],
  ]
  for (const [headers, status, code] of wrong) {
    const answer = await send({ path: PATH, headers: { ...headers, 'IM-Authorization': live } })
    assertError(answer, status, code)
  }
})

test('a revoked token is refused by the very next call', async () => {
  const { client, admin, send } = await openChat()
  for (const value of ['one', 'all']) {
    const [token = ''] = await client('u1', 1)
    const headers = { CLIENT_KEY, 'IM-Authorization': token }
    assert.equal((await send({ path: PATH, headers })).status, 200)
    await admin('DELETE', tokenPath('u1'), value === 'one' ? { token } : {})
    assertError(await send({ path: PATH, headers }), 401, 'INVALID_TOKEN')
  }
})

test('a revocation during the read of the client is not missed', async () => {
  const { client, admin, send, store } = await openChat()
  const [token = ''] = await client('u1', 1)
  // Change the client, so that the call has to read it.
  await admin('POST', '/admin/clients', { _id: 'u1', nickname: 'Amy' })
  const record = withoutKeyed(store).record.bind(store)
  let reads = 0
  store.record = async (realm, collection, id) => {
    reads += 1
    // The first read is the call's own, which started with a live token.
    if (reads === 1) await admin('DELETE', tokenPath('u1'))
    return record(realm, collection, id)
  }
  const answer = await send({ path: PATH, headers: { CLIENT_KEY, 'IM-Authorization': token } })
  assertError(answer, 401, 'INVALID_TOKEN')
  assert(reads > 1)
})
