import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Realm, revokePrincipals } from '@rescind/authority'
import { StoreUnavailable } from '@rescind/core'
import { bodyText } from '../../test/kit/request.ts'
import { IS_EMBEDDED } from '../../test/kit/test-store.ts'
import { TOKENS_PER_PAGE } from './ended-list.ts'
import {
  ADMIN,
  assertError,
  type ChatWorld,
  JSON_BODY,
  OTHER_ADMIN,
  openChat,
  type Reply,
  tokenPath,
} from './fixture.test.ts'

const DAY_MS = 86_400_000

function texts(reply: Reply): string[] {
  assert.equal(reply.status, 200, reply.text)
  return reply.json.result.data.map(({ token }) => token)
}

test('revoking one token leaves the other tokens of its client alone', async () => {
  const { client, admin, isLive } = await openChat()
  const [first = '', second = ''] = await client('u1', 2)
  assert.deepEqual(texts(await admin('DELETE', tokenPath('u1'), { token: first })), [first])
  assert.equal(await isLive(first), false)
  assert.equal(await isLive(second), true)
})

test('a token that is not a live token of this client is 404, and nothing is revoked', async () => {
  const world = await openChat()
  const { client, admin, clock, isLive, realm, send } = world
  const [mine = '', revoked = ''] = await client('u1', 2)
  const [foreign = ''] = await client('u2', 1)
  await admin('PUT', tokenPath('u1'), { token: 'short', expirationDate: '2026-03-01T12:00:01Z' })
  await admin('DELETE', tokenPath('u1'), { token: revoked })
  await send({
    method: 'POST',
    path: '/admin/clients',
    headers: { ...OTHER_ADMIN, ...JSON_BODY },
    body: '{"_id":"u1","token":"of-globex"}',
  })
  clock.advance(1_000)
  const head = realm.index.seq
  const answers = new Set<string>()
  for (const token of ['never-seen', 'short', revoked, foreign, 'of-globex', `${mine} `, mine.slice(0, -1)]) {
    const answer = await admin('DELETE', tokenPath('u1'), { token })
    assertError(answer, 404, 'TOKEN_NOT_FOUND')
    answers.add(answer.text)
  }
  assert.equal(answers.size, 1)
  assert.equal(realm.index.seq, head)
  for (const token of [mine, foreign, 'of-globex']) assert.equal(await isLive(token), true)
})

test('an unknown client is 404, for one token and for all', async () => {
  const { client, admin, realm, send } = await openChat()
  const [token] = await client('u1', 1)
  const head = realm.index.seq
  for (const value of [{ token }, {}, undefined]) {
    assertError(await admin('DELETE', tokenPath('nobody'), value), 404, 'CLIENT_NOT_FOUND')
  }
  const other = await send({ method: 'DELETE', path: tokenPath('u1'), headers: OTHER_ADMIN })
  assertError(other, 404, 'CLIENT_NOT_FOUND')
  assert.equal(realm.index.seq, head)
})

test('ids that differ in one byte, or in their Unicode form, are different clients', async () => {
  const { client, send, isLive } = await openChat()
  const ids = ['x', 'x}', 'X', 'x ', ' x', 'x/y', 'x%2Fy', '\u00e9', 'e\u0301', '01', '1', '..', '__proto__']
  const owned = new Map<string, string>()
  for (const id of ids) owned.set(id, (await client(id, 1))[0] ?? '')
  for (const id of ids) {
    const answer = await send({ method: 'DELETE', path: `${tokenPath(id)}/`, headers: ADMIN })
    assert.deepEqual(texts(answer), [owned.get(id)])
    owned.delete(id)
    for (const token of owned.values()) assert.equal(await isLive(token), true)
  }
})

test('no body, with any content type, and an empty object mean all', async () => {
  const { client, send } = await openChat()
  const wishes = [
    { headers: {}, body: '' },
    { headers: { 'content-type': 'text/plain' }, body: '' },
    { headers: { 'content-type': 'application/json; charset=latin1' }, body: '' },
    { headers: JSON_BODY, body: '{}' },
    { headers: { 'content-type': 'APPLICATION/JSON;charset=UTF-8' }, body: ' \r\n{\t\n} ' },
  ]
  for (const { headers, body } of wishes) {
    const owned = await client('u1', 2)
    const all = { ...headers, ...ADMIN }
    assert.deepEqual(
      texts(await send({ method: 'DELETE', path: tokenPath('u1'), headers: all, body })),
      owned,
    )
  }
})

test('revoking all without live tokens is 200 with an empty list, and still writes a cutoff', async () => {
  const { client, admin, realm, clock } = await openChat()
  await client('u1', 1)
  clock.advance(8 * DAY_MS)
  const head = realm.index.seq
  const answer = await admin('DELETE', tokenPath('u1'))
  assert.equal(answer.text, '{"RC":0,"RM":"OK","result":{"data":[]}}')
  assert.equal(realm.index.seq, head + 1)
})

test('a second revoke of one token is 404, and a second "all" lists nothing', async () => {
  const { client, admin } = await openChat()
  const [token = '', other = ''] = await client('u1', 2)
  await admin('DELETE', tokenPath('u1'), { token })
  assertError(await admin('DELETE', tokenPath('u1'), { token }), 404, 'TOKEN_NOT_FOUND')
  assert.deepEqual(texts(await admin('DELETE', tokenPath('u1'))), [other])
  assert.deepEqual(texts(await admin('DELETE', tokenPath('u1'))), [])
  assertError(await admin('DELETE', tokenPath('u1'), { token: other }), 404, 'TOKEN_NOT_FOUND')
})

test('of many concurrent calls to revoke one token, exactly one succeeds', async () => {
  const { client, admin, realm } = await openChat()
  const [token] = await client('u1', 1)
  const head = realm.index.seq
  const answers = await Promise.all(
    Array.from({ length: 12 }, () => admin('DELETE', tokenPath('u1'), { token })),
  )
  assert.equal(answers.filter(({ status }) => status === 200).length, 1)
  assert.equal(answers.filter(({ status }) => status === 404).length, 11)
  assert.equal(realm.index.seq, head + 1)
})

test('of many concurrent calls to revoke all, exactly one lists each token', async () => {
  const { client, admin } = await openChat()
  const owned = await client('u1', 5)
  const answers = await Promise.all(Array.from({ length: 8 }, () => admin('DELETE', tokenPath('u1'))))
  assert.deepEqual(answers.flatMap(texts), owned)
})

test('signing in again right after "all", in the same millisecond, works', async () => {
  const { client, admin, isLive } = await openChat()
  await client('u1', 1)
  await admin('DELETE', tokenPath('u1'))
  const [again = ''] = await client('u1', 1)
  assert.equal(await isLive(again), true)
})

test('a suspended token can be revoked, and stays dead when the hold is released', async () => {
  const { client, admin, realm, isLive } = await openChat()
  const [token = ''] = await client('u1', 1)
  await hold(realm, 'hld_1', 'u1')
  assert.deepEqual(texts(await admin('DELETE', tokenPath('u1'), { token })), [token])
  await append(realm, { kind: 'release', id: 'hld_1' })
  assert.equal(await isLive(token), false)
})

test('the log records who revoked, from where and by which call', async () => {
  const world = await openChat()
  const audits = watchAudits(world)
  const [token] = await world.client('u1', 1)
  await world.admin('DELETE', tokenPath('u1'), { token })
  await world.admin('DELETE', tokenPath('u1'))
  assert.deepEqual(audits.slice(-2), [
    { by: 'chat:acme', from: '127.0.0.1', how: 'chat.revoke' },
    { by: 'chat:acme', from: '127.0.0.1', how: 'chat.revoke-all' },
  ])
})

test('any query string is 400 and changes nothing', async () => {
  const { client, send, isLive } = await openChat()
  const [token = ''] = await client('u1', 1)
  for (const query of ['', 'token=x', `token=${token}`]) {
    for (const body of ['', '{}', JSON.stringify({ token })]) {
      const headers = { ...ADMIN, ...JSON_BODY }
      const answer = await send({ method: 'DELETE', path: tokenPath('u1'), headers, query, body })
      assertError(answer, 400, 'INVALID_REQUEST')
    }
  }
  assert.equal(await isLive(token), true)
})

test('a token of 8 KB is looked up, one byte more is 400', async () => {
  const { client, admin } = await openChat()
  await client('u1')
  const at = await admin('DELETE', tokenPath('u1'), { token: 'é'.repeat(4_096) })
  assertError(at, 404, 'TOKEN_NOT_FOUND')
  const past = await admin('DELETE', tokenPath('u1'), { token: `${'é'.repeat(4_096)}x` })
  assertError(past, 400, 'INVALID_REQUEST')
})

test('an id of 256 characters is looked up, a longer one is 400', async () => {
  const { client, admin } = await openChat()
  const [token] = await client('i'.repeat(256), 1)
  assert.equal((await admin('DELETE', tokenPath('i'.repeat(256)), { token })).status, 200)
  assertError(await admin('DELETE', tokenPath('i'.repeat(257))), 400, 'INVALID_REQUEST')
})

test('2,500 tokens of one client are revoked by one row and listed in order, in parts', async () => {
  const { client, realm, dialect, clock, admin } = await openChat()
  const owned: string[] = []
  await client('u1')
  for (let at = 0; at < 2_500; at += 1) {
    clock.advance(1)
    owned.push(
      (await admin('POST', '/admin/clients', { _id: 'u1', issueAccessToken: true })).json.result.token,
    )
  }
  const head = realm.index.seq
  const answer = await dialect.handle(realm, revokeAllRequest('u1'))
  assert.equal(realm.index.seq, head + 1)
  assert(typeof answer.body === 'object' && Symbol.asyncIterator in answer.body)
  const parts: string[] = []
  for await (const part of answer.body) parts.push(part)
  assert(parts.length > 2_500 / TOKENS_PER_PAGE)
  // A part holds at most 64 KB and one more token.
  for (const part of parts) assert(part.length < 65_536 + 8_192 * 6 + 1_024)
  const listed = JSON.parse(parts.join('')) as Reply['json']
  assert.deepEqual(Object.keys(listed), ['RC', 'RM', 'result'])
  assert.deepEqual(
    listed.result.data.map(({ token }) => token),
    owned,
  )
})

test('a page of tokens is answered whole, one more is streamed, and both have the same form', async () => {
  // The embedded store reads fewer tokens at once than the list asks for.
  const atOnce = IS_EMBEDDED ? 100 : TOKENS_PER_PAGE
  for (const [count, kind] of [
    [atOnce, 'string'],
    [atOnce + 1, 'object'],
  ] as const) {
    const { client, realm, dialect } = await openChat()
    const owned = await client('u1', count)
    const answer = await dialect.handle(realm, revokeAllRequest('u1'))
    assert.equal(typeof answer.body, kind)
    const { result } = JSON.parse(await bodyText(answer)) as Reply['json']
    assert.deepEqual(
      result.data.map(({ token }) => token),
      owned,
    )
    assert.equal(answer.headers['content-type'], 'application/json')
    assert.equal(answer.headers['cache-control'], 'no-store')
  }
})

test('tokens that another rule has already ended are not listed', async () => {
  const { client, realm, admin } = await openChat()
  await client('u1', 2)
  const caller = {
    id: 'control:ops',
    from: 'local',
    dependency: {
      realm: realm.ordinal,
      facts: { source: 'control', ancestors: [], position: realm.position(), expiresAtMs: 2 ** 52 },
    },
  }
  const cutoff = { shape: 'source', principals: { source: 'chat/acme' } } as const
  assert.equal((await revokePrincipals(realm, cutoff, { caller, how: 'test' })).kind, 'revoked')
  const [fresh = ''] = await client('u1', 1)
  assert.deepEqual(texts(await admin('DELETE', tokenPath('u1'))), [fresh])
})

test('an outage is thrown, never answered, and changes nothing', async () => {
  const { client, realm, admin, store, isLive } = await openChat()
  const [token = ''] = await client('u1', 1)
  const commit = store.commit.bind(store)
  store.commit = () => Promise.reject(new Error('disk'))
  await assert.rejects(admin('DELETE', tokenPath('u1'), { token }), StoreUnavailable)
  await assert.rejects(admin('DELETE', tokenPath('u1')), StoreUnavailable)
  store.commit = commit
  assert.equal(await isLive(token), true)
  assert.deepEqual(texts(await admin('DELETE', tokenPath('u1'))), [token])
  assert.equal(realm.index.ended.size, 0)
})

test('if the list cannot be read after the cutoff was written, the answer is an outage and the cutoff stands', async () => {
  const { client, admin, store, isLive } = await openChat()
  const [token = ''] = await client('u1', 1)
  store.tokensOfClient = () => Promise.reject(new StoreUnavailable('away'))
  await assert.rejects(admin('DELETE', tokenPath('u1')), StoreUnavailable)
  assert.equal(await isLive(token), false)
})

function revokeAllRequest(client: string): Parameters<ChatWorld['dialect']['handle']>[1] {
  return {
    method: 'DELETE',
    path: tokenPath(client),
    query: undefined,
    body: new Uint8Array(0),
    from: '127.0.0.1',
    base: '',
    header: (name) => (name === 'im-api-key' ? ADMIN['IM-API-KEY'] : undefined),
  }
}

type Rule = Parameters<Realm['row']>[0]

async function append(realm: Realm, rule: Rule): Promise<void> {
  const row = realm.row(rule, { by: 'test', from: 'local', how: 'test' })
  const operations = [{ kind: 'append', row } as const]
  await realm.commit({ realm: realm.ordinal, dependsOn: [], expects: [], operations })
}

function hold(realm: Realm, id: string, client: string): Promise<void> {
  const principals = { source: 'chat/acme', client }
  return append(realm, { kind: 'hold', id, target: { kind: 'cut', shape: 'client', principals } })
}

function watchAudits({ store }: ChatWorld): unknown[] {
  const audits: unknown[] = []
  const commit = store.commit.bind(store)
  store.commit = (group) => {
    for (const write of group.writes) {
      for (const operation of write.operations) {
        if (operation.kind === 'append') audits.push(JSON.parse(operation.row.audit))
      }
    }
    return commit(group)
  }
  return audits
}
