import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { test } from 'node:test'
import { KEY_PURPOSES, subkey } from '@rescind/authority'
import { hmacSha256, sameDigest } from '@rescind/core/bytes'
import { MEMBERS_MAX, MEMBERS_MAX_BYTES } from './client-body.ts'
import { ADMIN, assertError, JSON_BODY, OTHER_ADMIN, openChat, tokenPath } from './fixture.test.ts'

const PATH = '/admin/clients'

test('creating a client answers with its members and those that this server sets', async () => {
  const { admin } = await openChat()
  const made = await admin('POST', PATH, {
    _id: 'u 1',
    nickname: 'Amy',
    avatarUrl: 'https://example.com/a.jpg',
    team: { floor: 3, tags: ['a', null] },
  })
  assert.equal(made.status, 200)
  assert.equal(
    made.text,
    '{"RC":0,"RM":"OK","result":{"_id":"u 1","id":"u 1","__v":0,"appID":"acme","nickname":"Amy",' +
      '"avatarUrl":"https://example.com/a.jpg","team":{"floor":3,"tags":["a",null]},' +
      '"updatedAt":"2026-03-01T12:00:00.000Z","isRobot":false,"mute":[]}}',
  )
})

test('an existing client is updated: sent members replace, others stay', async () => {
  const { admin, clock } = await openChat()
  await admin('POST', PATH, { _id: 'u1', nickname: 'Amy', team: 'a', floor: 3 })
  clock.advance(5)
  const again = await admin('POST', `${PATH}/`, { _id: 'u1', id: 'u1', nickname: 'Bea', team: null })
  assert.deepEqual(again.json.result, {
    _id: 'u1',
    id: 'u1',
    __v: 1,
    appID: 'acme',
    nickname: 'Bea',
    team: null,
    floor: 3,
    updatedAt: '2026-03-01T12:00:00.005Z',
    isRobot: false,
    mute: [],
  })
})

test('a client that is read, edited and sent back changes by the edit alone', async () => {
  const { admin } = await openChat()
  const read = (await admin('POST', PATH, { _id: 'u1', nickname: 'Amy' })).json.result as object
  const sent = await admin('POST', PATH, { ...read, nickname: 'Bea', appID: 'globex', __v: 77 })
  assert.equal(sent.status, 200)
  assert.deepEqual(sent.json.result, { ...read, nickname: 'Bea', __v: 1 })
})

test('a call that changes nothing writes nothing to the directory', async () => {
  const { admin, clock, realm } = await openChat()
  const made = await admin('POST', PATH, { _id: 'u1', nickname: 'Amy' })
  const head = realm.index.seq
  clock.advance(5)
  assert.equal((await admin('POST', PATH, { _id: 'u1', nickname: 'Amy' })).text, made.text)
  const minted = await admin('POST', PATH, { _id: 'u1', issueAccessToken: true })
  assert.equal(minted.json.result.updatedAt, '2026-03-01T12:00:00.000Z')
  assert.equal(realm.index.seq, head)
})

test('issuing gives a new token each time, and ends none', async () => {
  const { admin, isLive } = await openChat()
  const first = (await admin('POST', PATH, { _id: 'u1', issueAccessToken: true })).json.result
  const second = (await admin('POST', PATH, { _id: 'u1', issueAccessToken: true })).json.result
  assert.notEqual(first.token, second.token)
  assert.equal(first.expirationDate, '2026-03-08T12:00:00.000Z')
  for (const { token } of [first, second]) assert.equal(await isLive(token), true)
})

test("a minted token omits absent members, ends with its handle, and is signed by the app's key", async () => {
  const { admin, realm, recordOf } = await openChat()
  const { token } = (await admin('POST', PATH, { _id: 'ü}', issueAccessToken: true })).json.result
  const [header = '', payload = '', signature] = token.split('.')
  const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as Record<string, unknown>
  assert.deepEqual(Object.keys(claims), ['id', 'exp', 'iat', 'jti'])
  assert.equal(claims.id, 'ü}')
  const record = await recordOf(token)
  assert.equal(claims.jti, record?.handle)
  assert.equal(claims.exp, Math.floor((record?.expiresAtMs ?? 0) / 1_000))
  const key = subkey(realm.keys.sealKey, KEY_PURPOSES.chatTokens('acme'))
  const expected = createHmac('sha256', key).update(`${header}.${payload}`).digest('base64url')
  assert.equal(signature, expected)
  assert(sameDigest(expected, hmacSha256(key, `${header}.${payload}`).toString('base64url')))
  assert.deepEqual(
    [record?.kind, record?.source, record?.client, record?.subject],
    ['chat', 'chat/acme', 'ü}', 'ü}'],
  )
})

test('fifty tokens of one client minted in one millisecond have different texts', async () => {
  const { client } = await openChat()
  assert.equal(new Set(await client('u1', 50)).size, 50)
})

test('expiry is judged by the milliseconds of the record, not by the seconds of the token', async () => {
  const { admin, clock, isLive } = await openChat()
  clock.advance(999)
  const { token } = (await admin('POST', PATH, { _id: 'u1', issueAccessToken: true })).json.result
  clock.advance(604_800_000 - 1)
  assert.equal(await isLive(token), true)
  clock.advance(1)
  assert.equal(await isLive(token), false)
})

test('neither tokens nor keys are stored in clear text', async () => {
  const { admin, recordOf, store, realm } = await openChat()
  const { token } = (await admin('POST', PATH, { _id: 'u1', issueAccessToken: true })).json.result
  await admin('PUT', tokenPath('u1'), { token: 'a-secret-of-the-customer' })
  for (const text of [token, 'a-secret-of-the-customer']) {
    const record = await recordOf(text)
    assert(record?.sealed !== undefined)
    assert.equal(JSON.stringify(record).includes(text), false)
    assert.equal(Buffer.from(record.sealed).includes(text), false)
  }
  const app = await store.record(realm.ordinal, 'chatApps', 'acme')
  assert.equal(app?.body?.includes(ADMIN['IM-API-KEY']), false)
})

test('a token is bound in the same call, with its expiry', async () => {
  const { admin, isLive, clock } = await openChat()
  const expirationDate = '2026-06-30T12:00:00Z'
  const sent = { _id: 'u1', issueAccessToken: false, token: 'my-token', expirationDate }
  const made = await admin('POST', PATH, sent)
  assert.equal(made.json.result.token, 'my-token')
  assert.equal(made.json.result.expirationDate, '2026-06-30T12:00:00.000Z')
  assert.equal(await isLive('my-token'), true)
  clock.advance(1_000)
  const again = await admin('POST', PATH, { _id: 'u1', nickname: 'Amy', token: 'my-token' })
  assert.equal(again.json.result.expirationDate, '2026-03-08T12:00:01.000Z')
})

test('a client and its token are one write: without the token, the client is not made', async () => {
  const { admin, realm } = await openChat()
  await admin('POST', PATH, { _id: 'u1', token: 'taken' })
  const head = realm.index.seq
  assertError(await admin('POST', PATH, { _id: 'u2', token: 'taken' }), 409, 'TOKEN_CONFLICT')
  assertError(await admin('POST', PATH, { _id: 'u1', nickname: 'x', token: 'rsa_x' }), 400, 'INVALID_REQUEST')
  assert.equal(realm.index.seq, head)
  assertError(await admin('DELETE', tokenPath('u2')), 404, 'CLIENT_NOT_FOUND')
})

test('invalid bodies are 400', async () => {
  const { admin, send, realm } = await openChat()
  const head = realm.index.seq
  const broken: unknown[] = [
    undefined,
    [],
    'u1',
    {},
    { _id: '' },
    { _id: 5 },
    { _id: null },
    { _id: 'i'.repeat(257) },
    { _id: 'u1', id: 'u2' },
    { _id: 'u1', nickname: 5 },
    { _id: 'u1', nickname: 'n'.repeat(257) },
    { _id: 'u1', avatarUrl: {} },
    { _id: 'u1', avatarUrl: 'a'.repeat(2_049) },
    { _id: 'u1', issueAccessToken: 'true' },
    { _id: 'u1', issueAccessToken: null },
    { _id: 'u1', issueAccessToken: true, token: 't' },
    { _id: 'u1', issueAccessToken: true, expirationDate: '2027-01-01T00:00:00Z' },
    { _id: 'u1', expirationDate: '2027-01-01T00:00:00Z' },
    { _id: 'u1', token: null },
    { _id: 'u1', token: '' },
    { _id: 'u1', token: 't', expirationDate: '2025-01-01T00:00:00Z' },
    { _id: 'u1', isRobot: true },
    { _id: 'u1', mute: ['room'] },
    { _id: 'u1', expirationDateMS: 1 },
  ]
  for (const value of broken)
    assert.equal((await admin('POST', PATH, value)).status, 400, JSON.stringify(value))
  for (const body of [
    '{"_id":"a","_id":"a"}',
    '{"_id":"\\ud800"}',
    '{"_id":"a","__proto__":{}}',
    '{"_id":"a\\u0000"}',
  ]) {
    const answer = await send({ method: 'POST', path: PATH, headers: { ...ADMIN, ...JSON_BODY }, body })
    assert.equal(answer.status, 400, body)
  }
  assert.equal(realm.index.seq, head)
})

test('hostile member names are ordinary members, and pollute no prototype', async () => {
  const { admin } = await openChat()
  const names = ['constructor', 'toString', 'hasOwnProperty', 'target', 'client_id', 'is_admin', '0']
  const sent = Object.fromEntries([['_id', 'constructor'], ...names.map((name) => [name, { isAdmin: true }])])
  const made = await admin('POST', PATH, sent)
  assert.equal(made.json.result._id, 'constructor')
  for (const name of names) assert.deepEqual(made.json.result[name], { isAdmin: true })
  assert.equal(Reflect.get({}, 'isAdmin'), undefined)
})

test(`a client keeps ${MEMBERS_MAX} members of ${MEMBERS_MAX_BYTES} bytes, and no more`, async () => {
  const { admin } = await openChat()
  const many = (from: number, count: number): Record<string, number> =>
    Object.fromEntries(Array.from({ length: count }, (_, at) => [`m${from + at}`, at]))
  assert.equal((await admin('POST', PATH, { _id: 'u1', ...many(0, MEMBERS_MAX) })).status, 200)
  assertError(await admin('POST', PATH, { _id: 'u1', ...many(MEMBERS_MAX, 1) }), 400, 'INVALID_REQUEST')
  assert.equal((await admin('POST', PATH, { _id: 'u1', ...many(0, 1) })).status, 200)
  const text = 'x'.repeat(MEMBERS_MAX_BYTES - '{"m":""}'.length)
  assert.equal((await admin('POST', PATH, { _id: 'u2', m: text })).status, 200)
  assertError(await admin('POST', PATH, { _id: 'u3', m: `${text}x` }), 400, 'INVALID_REQUEST')
})

test('[W85] text is scanned for tokens once: not if it exceeds the bound, and not again if unchanged', async () => {
  const { admin, realm } = await openChat()
  const looked: string[] = []
  realm.keptText = (text) => {
    looked.push(text)
    return Promise.resolve(text)
  }
  const texts = Array.from({ length: 2_000 }, (_, nth) => `a text of its own, ${nth}`)
  assertError(await admin('POST', PATH, { _id: 'u1', texts }), 400, 'INVALID_REQUEST')
  assert.deepEqual(looked, ['u1'])
  const sent = { _id: 'u2', nickname: 'Ann', aLongNameOfAMember: ['a value'], toString: 'another' }
  assert.equal((await admin('POST', PATH, sent)).status, 200)
  assert.deepEqual(
    looked.slice(1).toSorted(),
    ['Ann', 'a value', 'aLongNameOfAMember', 'another', 'toString', 'u2'].toSorted(),
  )
  looked.length = 0
  assert.equal((await admin('POST', PATH, { ...sent, toString: 'a new one' })).status, 200)
  assert.deepEqual(looked, ['a new one'])
})

test('a profile that would make the token too long is 400 when a token is requested', async () => {
  const { admin } = await openChat()
  const _id = '\u0001'.repeat(256)
  const avatarUrl = '\u0001'.repeat(2_048)
  assert.equal((await admin('POST', PATH, { _id, avatarUrl })).status, 200)
  assertError(await admin('POST', PATH, { _id, issueAccessToken: true }), 400, 'INVALID_REQUEST')
})

test('apps are separate: the same id is another client, with other tokens', async () => {
  const { admin, send, isLive } = await openChat()
  const headers = { ...OTHER_ADMIN, ...JSON_BODY }
  const mine = (await admin('POST', PATH, { _id: 'u1', nickname: 'mine', issueAccessToken: true })).json
    .result
  const body = '{"_id":"u1","issueAccessToken":true}'
  const theirs = (await send({ method: 'POST', path: PATH, headers, body })).json.result
  assert.equal(theirs.appID, 'globex')
  assert.equal(theirs.nickname, undefined)
  const naming = {
    method: 'DELETE',
    path: tokenPath('u1'),
    headers,
    body: JSON.stringify({ token: mine.token }),
  }
  assertError(await send(naming), 404, 'TOKEN_NOT_FOUND')
  const all = await send({ method: 'DELETE', path: tokenPath('u1'), headers })
  assert.deepEqual(
    all.json.result.data.map(({ token }) => token),
    [theirs.token],
  )
  assert.equal(await isLive(mine.token), true)
  assert.equal(await isLive(theirs.token), false)
})

test('no app name and client id together give the record of another app', async () => {
  const { client, admin } = await openChat()
  await client('globex/u1')
  assertError(await admin('DELETE', tokenPath('u1')), 404, 'CLIENT_NOT_FOUND')
})

test('many concurrent first sign-ins of one client all succeed', async () => {
  const { admin, isLive } = await openChat()
  const sent = { _id: 'u1', nickname: 'Amy', issueAccessToken: true }
  const answers = await Promise.all(Array.from({ length: 40 }, () => admin('POST', PATH, sent)))
  for (const { status, json } of answers) {
    assert.equal(status, 200)
    assert.equal(await isLive(json.result.token), true)
  }
})

test('changes of two concurrent calls are merged, and none is lost', async () => {
  const { admin } = await openChat()
  const sent = Array.from({ length: 6 }, (_, at) => ({ _id: 'u1', [`m${at}`]: at }))
  for (const { status } of await Promise.all(sent.map((value) => admin('POST', PATH, value))))
    assert.equal(status, 200)
  const { result } = (await admin('POST', PATH, { _id: 'u1' })).json
  for (let at = 0; at < 6; at += 1) assert.equal(result[`m${at}`], at)
})
