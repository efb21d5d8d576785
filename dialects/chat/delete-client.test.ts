import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { ADMIN, assertError, JSON_BODY, OTHER_ADMIN, openChat, tokenPath } from './fixture.test.ts'

const path = (client: string): string => `/admin/clients/${encodeURIComponent(client)}`

test('a client that is deleted is gone, and its tokens are ended and listed', async () => {
  const { admin, client, user, realm, isLive } = await openChat()
  const tokens = await client('u1', 2)
  await admin('PUT', tokenPath('u1'), { token: 'bound' })
  const [stranger = ''] = await client('u2', 1)
  const head = realm.index.seq
  const reply = await admin('DELETE', path('u1'))
  assert.equal(reply.status, 200)
  assert.deepEqual(Object.keys(reply.json.result), ['_id', 'id', 'data'])
  assert.deepEqual(
    reply.json.result.data.map(({ token }) => token),
    [...tokens, 'bound'],
  )
  assert.equal(realm.index.seq, head + 2, 'one row for the client, one for all its tokens')
  for (const token of tokens) assertError(await user('GET', '/me', { token }), 401, 'INVALID_TOKEN')
  assert.equal(await isLive(stranger), true)
  assertError(await admin('DELETE', path('u1')), 404, 'CLIENT_NOT_FOUND')
  assertError(await admin('DELETE', tokenPath('u1')), 404, 'CLIENT_NOT_FOUND')
  assertError(await admin('PUT', tokenPath('u1'), { token: 'x' }), 404, 'CLIENT_NOT_FOUND')
})

test('a later client with the same id inherits nothing', async () => {
  const { admin, client, user } = await openChat()
  await admin('POST', '/admin/clients', { _id: 'u1', nickname: 'before', plan: 'gold' })
  const [old = ''] = await client('u1', 1)
  await admin('DELETE', path('u1'))
  const [fresh = ''] = await client('u1', 1)
  assertError(await user('GET', '/me', { token: old }), 401, 'INVALID_TOKEN')
  const me = await user('GET', '/me', { token: fresh })
  assert.deepEqual(['nickname' in me.json.result, 'plan' in me.json.result], [false, false])
})

test('ids are decoded once: a slash in one is part of it, and `list` is a name like any other', async () => {
  const { admin, client } = await openChat()
  for (const id of ['a/token', 'list', ' }', 'ü', '..%']) {
    await client(id, 1)
    const reply = await admin('DELETE', path(id))
    assert.equal(reply.json.result['_id'], id)
    assert.equal(reply.json.result.data.length, 1)
  }
})

test('more than a page of tokens is listed', async () => {
  const { admin, client } = await openChat()
  const tokens = await client('u1', 501)
  const reply = await admin('DELETE', path('u1'))
  assert.deepEqual(
    reply.json.result.data.map(({ token }) => token),
    tokens,
  )
  assert.deepEqual(Object.keys(reply.json.result), ['_id', 'id', 'data'])
})

test('a body that names a token never deletes a client, if the path lost its last segment', async (t) => {
  const { send, client, isLive, realm } = await openChat()
  const tokens = await client('u1', 2)
  const head = realm.index.seq
  let tried = 0
  const bodies = fc.oneof(
    fc.constantFrom(
      `{"token":"${tokens[0]}"}`,
      '{"token":null}',
      '{"token":',
      '[]',
      'null',
      '{}x',
      '{"a":1}',
    ),
    fc.jsonValue().map((value) => JSON.stringify({ token: value })),
    fc.jsonValue().map((value) => JSON.stringify(value)),
    fc.string({ minLength: 1 }),
  )
  await fc.assert(
    fc.asyncProperty(bodies, fc.constantFrom('application/json', 'text/plain', ''), async (body, type) => {
      if (type === 'application/json' && /^\s*\{\s*\}\s*$/.test(body)) return
      tried += 1
      const headers = { ...ADMIN, 'content-type': type }
      const reply = await send({ method: 'DELETE', path: path('u1'), headers, body })
      assert.equal(reply.status, 400, body)
    }),
    { numRuns: 1_000 },
  )
  for (const token of tokens) assert.equal(await isLive(token), true)
  assert.equal(realm.index.seq, head)
  t.diagnostic(`${tried} bodies were tried`)
  assert.ok(tried > 800)
})

test('a client of another app cannot be deleted', async () => {
  const { send, client, isLive } = await openChat()
  const [token = ''] = await client('u1', 1)
  const reply = await send({ method: 'DELETE', path: path('u1'), headers: { ...OTHER_ADMIN, ...JSON_BODY } })
  assertError(reply, 404, 'CLIENT_NOT_FOUND')
  assert.equal(await isLive(token), true)
})

test('a token minted while its client is deleted is ended, or belongs to a new client', async () => {
  const { admin, user } = await openChat()
  for (let at = 0; at < 20; at += 1) {
    const id = `u${at}`
    await admin('POST', '/admin/clients', { _id: id })
    const [minted, bound, gone] = await Promise.all([
      admin('POST', '/admin/clients', { _id: id, issueAccessToken: true }),
      admin('PUT', tokenPath(id), { token: `text-${at}` }),
      admin('DELETE', path(id)),
    ])
    assert.equal(gone.status, 200)
    assert.ok(bound.status === 200 || bound.status === 404)
    const listed = new Set(gone.json.result.data.map(({ token }) => token))
    const { token } = minted.json.result
    const isAlive = (await user('GET', '/me', { token })).status === 200
    assert.equal(isAlive, !listed.has(token))
  }
})
