import assert from 'node:assert/strict'
import { test } from 'node:test'
import { wireRequest } from '../../test/kit/request.ts'
import { ADMIN, API_KEY, openChat, reply } from './fixture.test.ts'

/** The request of the seed page, with header names as Node gives them. */
const SEED_REQUEST = wireRequest({
  method: 'DELETE',
  path: '/admin/clients/1485248560558%7D/token/',
  headers: {
    'IM-API-KEY': '2JYpYhDaQlIQlDSvVLCLLo2MPzFfVm9jYpxw2vuBrmk=',
    'Content-Type': 'application/json; charset=utf-8',
    Host: '104.199.197.188:3100',
    Connection: 'close',
    'User-Agent': 'Paw/3.1.5 (Macintosh; OS X/10.13.3) GCDHTTPRequest',
    'Content-Length': '26',
  },
  body: '{"token":"test-token$123"}',
})

test("the seed's own request revokes its token and answers with its record", async () => {
  const { realm, dialect, admin, isLive } = await openChat()
  await admin('POST', '/admin/clients', { _id: '1485248560558}', token: 'test-token$123' })
  const answer = await reply(await dialect.handle(realm, SEED_REQUEST))
  assert.equal(answer.status, 200)
  assert.equal(
    answer.text,
    '{"RC":0,"RM":"OK","result":{"data":[{"token":"test-token$123","updatedAt":"2026-03-01T12:00:00.000Z",' +
      '"expirationDate":"2026-03-08T12:00:00.000Z","createdAt":"2026-03-01T12:00:00.000Z",' +
      '"expirationDateMS":1772971200000}]}}',
  )
  assert.equal(await isLive('test-token$123'), false)
})

test("[N05] the stray brace of the seed's path is part of the id and is not trimmed", async () => {
  const { realm, dialect, admin, isLive } = await openChat()
  await admin('POST', '/admin/clients', { _id: '1485248560558', token: 'test-token$123' })
  const answer = await reply(await dialect.handle(realm, SEED_REQUEST))
  assert.equal(answer.json.error.code, 'CLIENT_NOT_FOUND')
  assert.equal(await isLive('test-token$123'), true)
})

test("tokens have the header and the member order of the seed's", async () => {
  const { send, clock } = await openChat()
  clock.advance(831)
  const body =
    '{"_id":"sss","nickname":"SSS","avatarUrl":"http://loremflickr.com/240","issueAccessToken":true}'
  const headers = { ...ADMIN, 'content-type': 'application/json' }
  const made = await send({ method: 'POST', path: '/admin/clients', headers, body })
  const [header, payload] = String(made.json.result.token).split('.')
  assert.equal(header, 'eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9')
  const claims = JSON.parse(Buffer.from(payload ?? '', 'base64url').toString()) as Record<string, unknown>
  assert.deepEqual(Object.keys(claims), ['id', 'nickname', 'avatarUrl', 'exp', 'iat', 'jti'])
  assert.equal(Number(claims.exp) - Number(claims.iat), 604_800)
  assert.equal(claims.iat, 1_772_366_400)
  assert.equal(made.json.result.expirationDate, '2026-03-08T12:00:00.831Z')
})

test("revoking all of a client lists its tokens in the seed's form, oldest first", async () => {
  const { client, clock, admin, isLive } = await openChat()
  const [first = ''] = await client('sss', 1)
  clock.advance(706)
  const [second = ''] = await client('sss', 1)
  const answer = await admin('DELETE', '/admin/clients/sss/token', {})
  assert.equal(answer.status, 200)
  assert.deepEqual(answer.json.result.data, [
    {
      token: first,
      updatedAt: '2026-03-01T12:00:00.000Z',
      expirationDate: '2026-03-08T12:00:00.000Z',
      createdAt: '2026-03-01T12:00:00.000Z',
      expirationDateMS: 1_772_971_200_000,
    },
    {
      token: second,
      updatedAt: '2026-03-01T12:00:00.706Z',
      expirationDate: '2026-03-08T12:00:00.706Z',
      createdAt: '2026-03-01T12:00:00.706Z',
      expirationDateMS: 1_772_971_200_706,
    },
  ])
  assert.equal((await isLive(first)) || (await isLive(second)), false)
})

test('the vendor client that sends API_KEY, and {} for "all", is served', async () => {
  const { client, send } = await openChat()
  const texts = await client('u 1/2', 2)
  const headers = { API_KEY, 'content-type': 'application/json;charset=utf-8' }
  const answer = await send({
    method: 'DELETE',
    path: '/admin/clients/u%201%2F2/token/',
    headers,
    body: '{}',
  })
  assert.deepEqual(
    answer.json.result.data.map(({ token }) => token),
    texts,
  )
  assert.equal(answer.json.RC, 0)
})
