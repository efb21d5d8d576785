import assert from 'node:assert/strict'
import { test } from 'node:test'
import { StoreUnavailable } from '@rescind/core'
import { START_MS } from '../../test/kit/realm.ts'
import type { ExternalAsk, ExternalReply } from './external-verification.ts'
import {
  ADMIN,
  assertError,
  type ChatStart,
  type ChatWorld,
  CLIENT_KEY,
  openChat,
  type Reply,
  tokenPath,
} from './fixture.test.ts'

const URL_ = 'https://verify.example/verify'
const NOW = START_MS / 1_000
const WEEK = 604_800

type External = {
  readonly world: ChatWorld
  /** Tokens that the verify URL was asked about, in order. */
  readonly asked: string[]
  /** Replies of the verify URL by token; 401 for others. */
  readonly says: Map<string, unknown>
  me(token: string): Promise<Reply>
}

async function openExternal({ app, options }: ChatStart = {}): Promise<External> {
  const asked: string[] = []
  const says = new Map<string, unknown>()
  const askExternal = async ({ url, token }: ExternalAsk): Promise<ExternalReply> => {
    assert.equal(url, URL_)
    asked.push(token)
    await Promise.resolve()
    const said = says.get(token)
    if (said === 'away') return { kind: 'failed' }
    if (typeof said === 'number')
      return { kind: 'answer', status: said, body: Buffer.from('{"message":"no"}') }
    if (said === undefined) return { kind: 'answer', status: 401, body: Buffer.from('{"message":"no"}') }
    const text = typeof said === 'string' ? said : JSON.stringify(said)
    return { kind: 'answer', status: 200, body: Buffer.from(text) }
  }
  const world = await openChat({ app: { verifyUrl: URL_, ...app }, options: { askExternal, ...options } })
  return { world, asked, says, me: (token) => world.user('GET', '/me', { token }) }
}

test('a token that is unknown here is verified externally once, and then known until its exp', async () => {
  const { world, asked, says, me } = await openExternal()
  says.set('t1', { id: 'u1', nickname: 'U', exp: NOW + 60, iat: NOW })
  for (let at = 0; at < 3; at += 1) {
    const reply = await me('t1')
    assert.equal(reply.status, 200, reply.text)
    assert.deepEqual([reply.json.result['_id'], reply.json.result['nickname']], ['u1', 'U'])
  }
  assert.deepEqual(asked, ['t1'])
  assert.equal((await world.recordOf('t1'))?.expiresAtMs, START_MS + 60_000)
  says.delete('t1')
  world.clock.advance(59_999)
  assert.equal((await me('t1')).status, 200)
  world.clock.advance(1)
  assertError(await me('t1'), 401, 'INVALID_TOKEN')
})

test('a verified token can be revoked here like any other, and is never asked about again', async () => {
  for (const way of ['one', 'all', 'logout', 'deleted'] as const) {
    const { world, asked, says, me } = await openExternal()
    says.set('t1', { id: 'u1', exp: NOW + 60, iat: NOW })
    await me('t1')
    if (way === 'one')
      assert.equal((await world.admin('DELETE', tokenPath('u1'), { token: 't1' })).status, 200)
    if (way === 'all') {
      const { json } = await world.admin('DELETE', tokenPath('u1'))
      assert.deepEqual(
        json.result.data.map(({ token }) => token),
        ['t1'],
      )
    }
    if (way === 'logout') assert.equal((await world.user('POST', '/me/logout', { token: 't1' })).status, 200)
    if (way === 'deleted') assert.equal((await world.admin('DELETE', '/admin/clients/u1')).status, 200)
    for (let at = 0; at < 3; at += 1) assertError(await me('t1'), 401, 'INVALID_TOKEN')
    world.clock.advance(3_600_000)
    assertError(await me('t1'), 401, 'INVALID_TOKEN')
    assert.deepEqual(asked, ['t1'], way)
  }
})

test('a token that the verify URL refuses is refused, not remembered, and may be accepted later', async () => {
  const { asked, says, me } = await openExternal()
  assertError(await me('t1'), 401, 'INVALID_TOKEN')
  says.set('t1', { id: 'u1', exp: NOW + 60 })
  assert.equal((await me('t1')).status, 200)
  assert.deepEqual(asked, ['t1', 't1'])
})

test('[A13] an answer that is incomplete, not 200, or not about a live client lets nobody in', async () => {
  const { world, says, me } = await openExternal()
  const bad: unknown[] = [
    '',
    'x',
    '[]',
    '{"id":1}',
    '{}',
    '{"id":""}',
    '{"id":"u1","id":"u2"}',
    201,
    204,
    302,
    400,
    404,
  ]
  const times = [
    { exp: NOW },
    { exp: NOW - 1 },
    { exp: 'x' },
    { exp: -1 },
    { exp: null },
    { iat: 'x', exp: NOW + 9 },
  ]
  const head = world.realm.index.seq
  for (const [at, said] of [...bad, ...times.map((more) => ({ id: 'u1', ...more }))].entries()) {
    says.set(`t${at}`, said)
    assertError(await me(`t${at}`), 401, 'INVALID_TOKEN')
  }
  assert.equal(world.realm.index.seq, head)
})

test('no answer from the verify URL is an outage, not a verdict', async () => {
  const { says, me, asked } = await openExternal()
  for (const said of ['away', 500, 502, 503, 429, 408]) {
    says.set('t1', said)
    await assert.rejects(me('t1'), StoreUnavailable)
  }
  says.set('t1', { id: 'u1' })
  assert.equal((await me('t1')).status, 200)
  assert.equal(asked.length, 7)
})

test('many concurrent calls with one token ask once', async () => {
  const { asked, says, me, world } = await openExternal()
  says.set('t1', { id: 'u1', exp: NOW + 60, iat: NOW })
  const replies = await Promise.all(Array.from({ length: 20 }, () => me('t1')))
  assert.deepEqual([...new Set(replies.map(({ status }) => status))], [200])
  assert.deepEqual(asked, ['t1'])
  assert.equal((await world.admin('DELETE', tokenPath('u1'))).json.result.data.length, 1)
})

test("a token without expiry, or with one beyond the app's limit, is bounded by the app", async () => {
  const { world, says, me } = await openExternal({ app: { maxLifetimeSeconds: 2 * WEEK } })
  says.set('t1', { id: 'u1' })
  says.set('t2', { id: 'u1', exp: NOW + 3 * WEEK })
  await me('t1')
  await me('t2')
  assert.equal((await world.recordOf('t1'))?.expiresAtMs, START_MS + WEEK * 1_000)
  assert.equal((await world.recordOf('t2'))?.expiresAtMs, START_MS + 2 * WEEK * 1_000)
})

test('a token without expiry is asked about again when its record expires', async () => {
  const { world, asked, says, me } = await openExternal()
  says.set('t1', { id: 'u1' })
  await me('t1')
  world.clock.advance(WEEK * 1_000)
  assert.equal((await me('t1')).status, 200)
  says.delete('t1')
  world.clock.advance(WEEK * 1_000)
  assertError(await me('t1'), 401, 'INVALID_TOKEN')
  assert.deepEqual(asked, ['t1', 't1', 't1'])
})

test('a client that was cut off is not let in by an older token that was never seen here', async () => {
  const { world, says, me } = await openExternal()
  await world.client('u1')
  await world.client('u2')
  await world.admin('DELETE', tokenPath('u1'))
  world.clock.advance(120_000)
  says.set('old', { id: 'u1', exp: NOW + 600, iat: NOW - 10 })
  says.set('says-not', { id: 'u1', exp: NOW + 600 })
  says.set('new', { id: 'u1', exp: NOW + 600, iat: NOW + 61 })
  says.set('of another', { id: 'u2', exp: NOW + 600, iat: NOW - 10 })
  for (const token of ['old', 'says-not']) assertError(await me(token), 401, 'INVALID_TOKEN')
  for (const token of ['new', 'of another']) assert.equal((await me(token)).status, 200, token)
})

test('a revocation that comes while the verify URL is asked ends the token', async () => {
  const held: (() => void)[] = []
  const askExternal = (): Promise<ExternalReply> =>
    new Promise((done) => {
      const body = Buffer.from(JSON.stringify({ id: 'u1', exp: NOW + 600, iat: NOW - 1 }))
      held.push(() => done({ kind: 'answer', status: 200, body }))
    })
  const world = await openChat({ app: { verifyUrl: URL_ }, options: { askExternal } })
  await world.client('u1')
  const asking = world.user('GET', '/me', { token: 't1' })
  while (held.length === 0) await Promise.resolve()
  await world.admin('DELETE', tokenPath('u1'))
  held[0]?.()
  assertError(await asking, 401, 'INVALID_TOKEN')
  assert.equal(await world.isLive('t1'), false)
})

test('text in our own format, or held by another app or client, is never asked about', async () => {
  const { world, asked, says, me } = await openExternal()
  const [minted = ''] = await world.client('u1', 1)
  await world.user('POST', '/me/logout', { token: minted })
  await me(minted)
  const forged = `${minted.slice(0, -4)}AAAA`
  for (const token of [forged, 'rsa_x', `rsi_${'0'.repeat(36)}`]) {
    says.set(token, { id: 'u1', exp: NOW + 60 })
    assertError(await me(token), 401, 'INVALID_TOKEN')
  }
  const headers = { 'IM-API-KEY': 'api-key-of-globex', 'content-type': 'application/json' }
  await world.send({ method: 'POST', path: '/admin/clients', headers, body: '{"_id":"x","token":"theirs"}' })
  says.set('theirs', { id: 'u1', exp: NOW + 60 })
  assertError(await me('theirs'), 401, 'INVALID_TOKEN')
  assert.deepEqual(asked, [])
})

test('neither apps without a verify URL nor calls that only look tokens up ask one', async () => {
  const { world, asked, says } = await openExternal()
  says.set('t1', { id: 'u1', exp: NOW + 60 })
  const other = { 'IM-CLIENT-KEY': 'client-key-of-globex', 'IM-Authorization': 't1' }
  assertError(await world.send({ path: '/me', headers: other }), 401, 'INVALID_TOKEN')
  assertError(await world.admin('POST', '/verify', { token: 't1' }), 401, 'INVALID_TOKEN')
  assertError(await world.send({ path: '/me', headers: { ...ADMIN } }), 401, 'INVALID_TOKEN')
  assert.deepEqual(asked, [])
})

test('guesses with a public key are limited by address; known tokens are not', async () => {
  const { world, asked, says, me } = await openExternal()
  says.set('good', { id: 'u1', exp: NOW + 600 })
  await me('good')
  for (let at = 1; at < 50; at += 1) await me(`guess-${at}`)
  assertError(await me('guess-50'), 429, 'RATE_LIMIT_EXCEEDED', ['retryAfter'])
  assert.equal(asked.length, 50)
  assert.equal((await me('good')).status, 200)
  const elsewhere = { 'IM-CLIENT-KEY': CLIENT_KEY, 'IM-Authorization': 'guess-51' }
  assertError(await world.send({ path: '/me', headers: elsewhere, from: '192.0.2.9' }), 401, 'INVALID_TOKEN')
})

test('an invalid profile is not stored, and does not keep its bearer out', async () => {
  const { says, me } = await openExternal()
  says.set('t1', { id: 'u1', nickname: 'x'.repeat(257), avatarUrl: 7, exp: NOW + 60 })
  const reply = await me('t1')
  assert.equal(reply.status, 200)
  assert.equal('nickname' in reply.json.result, false)
})

test('[W27] a token issued within the skew after "revoke all" is refused until the skew has passed, an older one for good', async () => {
  for (const skew of [undefined, 60, 10, 0]) {
    const skewSeconds = skew ?? 60
    const app = skew === undefined ? {} : { verifySkewSeconds: skew }
    const { world, says, me } = await openExternal({ app })
    await world.client('u1')
    await world.admin('DELETE', tokenPath('u1'))
    says.set('before', { id: 'u1', exp: NOW + 600, iat: NOW })
    says.set('after', { id: 'u1', exp: NOW + 600, iat: NOW + 1 })
    world.clock.advance(1_000)
    assert.equal((await me('after')).status, skewSeconds === 0 ? 200 : 401, String(skew))
    world.clock.advance(skewSeconds * 1_000)
    for (let at = 0; at < 2; at += 1) {
      assert.equal((await me('after')).status, 200, String(skew))
      assertError(await me('before'), 401, 'INVALID_TOKEN')
      world.clock.advance(100_000)
    }
    // Seen here, the token has a position in the log, and its claimed times no longer count.
    await world.admin('DELETE', tokenPath('u1'))
    assertError(await me('after'), 401, 'INVALID_TOKEN')
  }
})

test('[W105] a token with an issue or start time in the future is not valid yet, and does not escape a cutoff', async () => {
  const { world, says, me } = await openExternal()
  await world.client('u1')
  await world.admin('DELETE', tokenPath('u1'))
  world.clock.advance(120_000)
  const later = NOW + 120
  for (const more of [
    { iat: later + 61 },
    { iat: 1e8 + NOW },
    { iat: 9e10 },
    { iat: later, nbf: later + 61 },
  ]) {
    says.set('t1', { id: 'u1', exp: 9.9e10, ...more })
    assertError(await me('t1'), 401, 'INVALID_TOKEN')
  }
  says.set('t1', { id: 'u1', exp: later + 600, iat: later + 60, nbf: later + 60 })
  assert.equal((await me('t1')).status, 200)
})

test('[W105] an answer with a byte order mark is accepted', async () => {
  const { says, me } = await openExternal()
  says.set('t1', `\ufeff${JSON.stringify({ id: 'u1', exp: NOW + 60 })}`)
  assert.equal((await me('t1')).status, 200)
})
