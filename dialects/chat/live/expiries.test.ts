import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { collectExpired, type EndingAsk, type EndingPage } from '@rescind/authority'
import { KEEP_MARGIN_MS, StoreUnavailable, type TokenRecord } from '@rescind/core'
import { openSqlite } from '@rescind/stores'
import { handleAt } from '../../../stores/contract/samples.ts'
import { openWorld, START_MS } from '../../../test/kit/realm.ts'
import { wireRequest } from '../../../test/kit/request.ts'
import { makeHome } from '../../../test/kit/server.ts'
import { onBothStores } from '../../../test/kit/stores.ts'

import {
  ADMIN,
  API_KEY,
  addApp,
  type ChatWorld,
  CLIENT_KEY,
  chatOn,
  JSON_BODY,
  OTHER_ADMIN,
  openChat,
  reply,
  tokenPath,
} from '../fixture.test.ts'
import { APP, clientPath, type Event, openReader, type Reader } from './reader.test.ts'

/** A token that expires is reported like one that a rule ended: once, and only to its own app. */

type Bound = { readonly client: string; readonly text: string; readonly inMs: number }

/** Binds text with this lifetime, or moves its expiry. @returns the token's id. */
async function bind(
  world: ChatWorld,
  { client, text, inMs }: Bound,
  headers: Readonly<Record<string, string>> = ADMIN,
): Promise<string> {
  const expirationDate = new Date(world.clock.wallMs() + inMs).toISOString()
  const body = JSON.stringify({ token: text, expirationDate })
  const path = tokenPath(client)
  const reply = await world.send({ method: 'PUT', path, headers: { ...headers, ...JSON_BODY }, body })
  assert.equal(reply.status, 200, reply.text)
  return reply.headers['im-token-id'] ?? assert.fail('no id')
}

/** Advances the clock and reports what expired. @returns the events up to the next sign of life. */
async function after(world: ChatWorld, ms: number, reader: Reader): Promise<readonly Event[]> {
  world.clock.advance(ms)
  await world.tellExpired()
  return drained(world, reader)
}

async function drained(world: Pick<ChatWorld, 'beat'>, reader: Reader): Promise<readonly Event[]> {
  const told = reader.untilBeat()
  world.beat()
  return told
}

const brief = (events: readonly Event[]): unknown[] =>
  events.map(({ event, data }) => [event, data['token'] ?? data['client']])

/** Lets the store answer reads by expiry with `answer`. */
function answering(world: ChatWorld, answer: (ask: EndingAsk) => Promise<EndingPage>): void {
  world.store.tokensEnding = (_realm, ask) => answer(ask)
}

onBothStores(
  '[W30] an expired token is reported with id, client and expiry, not before, and moves no reader',
  async (store) => {
    const world = await openChat({ store })
    await world.client('u1')
    const reader = await openReader(world, APP)
    const before = reader.lastId
    const token = await bind(world, { client: 'u1', text: 'bound-text', inMs: 10_000 })
    assert.deepEqual(await after(world, 9_999, reader), [])
    assert.deepEqual(await after(world, 1, reader), [
      { id: before, event: 'expired', data: { client: 'u1', token, at: '2026-03-01T12:00:10.000Z' } },
    ])
    assert.equal(await world.isLive('bound-text'), false)
    assert.deepEqual(await after(world, 10_000, reader), [], 'once')
  },
)

onBothStores('[W30] an issued token is reported, even if it is younger than the stream', async (store) => {
  const world = await openChat({ store, app: { tokenLifetimeSeconds: 60 } })
  const [old = ''] = await world.client('u1', 1)
  const reader = await openReader(world, APP)
  world.clock.advance(1_000)
  const [young = ''] = await world.client('u2', 1)
  const handles = [(await world.recordOf(old))?.handle, (await world.recordOf(young))?.handle]
  assert.deepEqual(brief(await after(world, 59_000, reader)), [['expired', handles[0]]])
  assert.deepEqual(brief(await after(world, 1_000, reader)), [['expired', handles[1]]])
})

onBothStores('[W30] a token whose expiry was moved is told of at the new one alone', async (store) => {
  const world = await openChat({ store })
  await world.client('u1')
  const longer = await bind(world, { client: 'u1', text: 'longer', inMs: 5_000 })
  const shorter = await bind(world, { client: 'u1', text: 'shorter', inMs: 60_000 })
  const reader = await openReader(world, APP)
  assert.equal(await bind(world, { client: 'u1', text: 'longer', inMs: 30_000 }), longer)
  assert.equal(await bind(world, { client: 'u1', text: 'shorter', inMs: 2_000 }), shorter)
  assert.deepEqual(brief(await after(world, 6_000, reader)), [['expired', shorter]])
  assert.deepEqual(brief(await after(world, 24_000, reader)), [['expired', longer]])
  assert.deepEqual(await after(world, 60_000, reader), [])
})

onBothStores(
  '[W30] a token revoked or suspended before its expiry is reported for that only',
  async (store) => {
    const world = await openChat({ store })
    const { realm } = world
    for (const client of ['one', 'all', 'held', 'left']) await world.client(client)
    const reader = await openReader(world, APP)
    const ids: Record<string, string> = {}
    for (const client of ['one', 'all', 'held', 'left'])
      ids[client] = await bind(world, { client, text: `text-of-${client}`, inMs: 5_000 })
    await world.admin('DELETE', tokenPath('one'), { token: 'text-of-one' })
    await world.admin('DELETE', tokenPath('all'))
    const principals = { source: 'chat/acme', client: 'held' }
    const target = { kind: 'cut', shape: 'client', principals } as const
    const row = realm.row({ kind: 'hold', id: 'h1', target }, { by: 'test', from: 'local', how: 'test' })
    await realm.commit({
      realm: realm.ordinal,
      dependsOn: [],
      expects: [],
      operations: [{ kind: 'append', row }],
    })
    assert.deepEqual(brief(await after(world, 5_000, reader)), [
      ['revoked', ids['one']],
      ['revoked-all', 'all'],
      ['suspended-all', 'held'],
      ['expired', ids['left']],
    ])
  },
)

onBothStores('[W30] a stream reports expired tokens of its own client, app and realm only', async (store) => {
  const world = await openChat({ store })
  const realm = await world.realms.create('second', { by: 'test', from: 'local', how: 'test' })
  await addApp(realm, 'acme', [API_KEY, CLIENT_KEY])
  const second: ChatWorld = {
    ...world,
    realm,
    send: async (ask) => chatSend({ ...world, realm }, ask),
  }
  for (const client of ['ann', 'bob']) await world.client(client)
  const made = { method: 'POST', path: '/admin/clients', body: '{"_id":"ann"}' }
  await world.send({ ...made, headers: { ...OTHER_ADMIN, ...JSON_BODY } })
  await second.send({ ...made, headers: { ...ADMIN, ...JSON_BODY } })
  const readers = {
    app: await openReader(world, APP),
    ann: await openReader(world, clientPath('ann')),
    bob: await openReader(world, clientPath('bob')),
    rival: await openReader(world, APP, OTHER_ADMIN),
    second: await openReader(second, APP),
  }
  const bound = { client: 'ann', text: 'one-text', inMs: 1_000 }
  const ids = {
    ann: await bind(world, bound),
    bob: await bind(world, { ...bound, client: 'bob', text: 'another-text' }),
    rival: await bind(world, { ...bound, text: 'a-third-text' }, OTHER_ADMIN),
    second: await bind(second, bound),
  }
  world.clock.advance(1_000)
  await world.tellExpired()
  const told = Object.values(readers).map((reader) => reader.untilBeat())
  world.beat()
  assert.deepEqual(
    (await Promise.all(told)).map((events) => events.map(({ data }) => data['token']).sort()),
    [[ids.ann, ids.bob].sort(), [ids.ann], [ids.bob], [ids.rival], [ids.second]],
  )
})

async function chatSend(
  world: ChatWorld,
  ask: Parameters<ChatWorld['send']>[0],
): ReturnType<ChatWorld['send']> {
  return reply(await world.dialect.handle(world.realm, wireRequest({ method: 'GET', ...ask })))
}

test('[W30] the store is read once for all streams of a realm, and never without a stream or while the clock stands', async () => {
  const world = await openChat()
  await world.client('u1')
  const asks: EndingAsk[] = []
  answering(world, async (ask) => {
    asks.push(ask)
    return { records: [], next: undefined }
  })
  world.clock.advance(1_000)
  await world.tellExpired()
  assert.equal(asks.length, 0, 'nobody listens')
  const readers = [await openReader(world, APP), await openReader(world, APP)]
  readers.push(await openReader(world, clientPath('u1')), await openReader(world, APP, OTHER_ADMIN))
  await world.tellExpired()
  assert.equal(asks.length, 0, 'no time has passed')
  world.clock.advance(1_000)
  await world.tellExpired()
  await world.tellExpired()
  const span = { after: { endMs: START_MS + 1_000 }, untilMs: START_MS + 2_000, limit: 100 }
  assert.deepEqual(asks, [{ sources: ['chat/acme', 'chat/globex'], ...span }])
  for (const reader of readers) await reader.stop()
  world.clock.advance(1_000)
  await world.tellExpired()
  assert.equal(asks.length, 1, 'nobody listens any more')
})

test('[W30] a read that takes longer than the interval is not started again meanwhile', async () => {
  const world = await openChat()
  await openReader(world, APP)
  const waiting: (() => void)[] = []
  answering(world, () => new Promise((give) => waiting.push(() => give({ records: [], next: undefined }))))
  world.clock.advance(1_000)
  const first = world.tellExpired()
  world.clock.advance(1_000)
  await world.tellExpired()
  assert.equal(waiting.length, 1)
  waiting[0]?.()
  await first
  const second = world.tellExpired()
  waiting[1]?.()
  await second
  assert.equal(waiting.length, 2)
})

test('[W30] when the clock goes back, tokens that are live again are reported when they expire again', async () => {
  const world = await openChat()
  await world.client('u1')
  const reader = await openReader(world, APP)
  const old = await bind(world, { client: 'u1', text: 'old', inMs: 10_000 })
  assert.deepEqual(brief(await after(world, 60_000, reader)), [['expired', old]])
  assert.deepEqual(await after(world, -59_000, reader), [])
  assert.equal(await world.isLive('old'), true)
  const young = await bind(world, { client: 'u1', text: 'young', inMs: 5_000 })
  assert.deepEqual(brief(await after(world, 5_000, reader)), [['expired', young]])
  assert.deepEqual(brief(await after(world, 5_000, reader)), [['expired', old]])
})

onBothStores('[W30] 2,500 tokens that run out at once are each told of once', async (store) => {
  const world = await openChat({ store })
  await world.client('u1')
  const reader = await openReader(world, APP)
  const ids: string[] = []
  for (let group = 0; group < 10; group += 1) {
    const made = Array.from({ length: 250 }, (_, at) =>
      bind(world, { client: 'u1', text: `text-${group}-${at}`, inMs: 5_000 }),
    )
    ids.push(...(await Promise.all(made)))
  }
  const told = await after(world, 5_000, reader)
  assert.deepEqual([...new Set(told.map(({ event }) => event))], ['expired'])
  assert.deepEqual(told.map(({ data }) => data['token']).sort(), ids.sort())
  assert.deepEqual(await after(world, 5_000, reader), [])
})

/** As many tokens as `count`, all expired now. */
async function crowd(world: ChatWorld, count: number): Promise<readonly TokenRecord[]> {
  await bind(world, { client: 'u1', text: 'one-of-many', inMs: 1_000 })
  const record = (await world.recordOf('one-of-many')) ?? assert.fail('no record')
  return Array.from({ length: count }, (_, at) => ({ ...record, handle: handleAt(at) }))
}

test('[W30] a reader more than 4,096 expired tokens behind gets a reset, and then later ones again', async () => {
  for (const [count, events] of [
    [4_096, 'expired'],
    [4_097, 'reset'],
    [9_000, 'reset'],
  ] as const) {
    const world = await openChat()
    await world.client('u1')
    const reader = await openReader(world, APP)
    const records = await crowd(world, count)
    answering(world, async ({ after: { key }, untilMs, limit }) => {
      const from = Number(key ?? 0)
      const next = from + limit < count ? { endMs: untilMs, key: String(from + limit) } : undefined
      return { records: records.slice(from, from + limit), next }
    })
    const told = await after(world, 1_000, reader)
    assert.deepEqual([...new Set(told.map(({ event }) => event))], [events], `${count}`)
    assert.equal(told.length, events === 'reset' ? 1 : count)
    answering(world, async () => ({ records: records.slice(0, 1), next: undefined }))
    assert.deepEqual(brief(await after(world, 1_000, reader)), [['expired', handleAt(0)]])
  }
})

test('[W30] a read that fails between two pages loses nothing and repeats nothing', async () => {
  const world = await openChat()
  await world.client('u1')
  const reader = await openReader(world, APP)
  const records = await crowd(world, 3)
  const places: unknown[] = []
  answering(world, async ({ after: place, untilMs }) => {
    places.push(place)
    if (places.length === 2) throw new StoreUnavailable('away')
    const from = Number(place.key ?? 0)
    const next = from + 1 < records.length ? { endMs: untilMs, key: String(from + 1) } : undefined
    return { records: records.slice(from, from + 1), next }
  })
  world.clock.advance(1_000)
  await assert.rejects(world.tellExpired(), StoreUnavailable)
  const told = await after(world, 0, reader)
  assert.deepEqual(
    told.map(({ data }) => data['token']),
    records.map(({ handle }) => handle),
  )
})

onBothStores(
  '[W30] tokens are reported before they are collected, or the reader gets a reset',
  async (store) => {
    const world = await openChat({ store })
    const { clock, realms } = world
    const collect = async (ms: number): Promise<number> => {
      clock.advance(ms)
      realms.ledger.raiseFloor(clock.wallMs())
      await realms.ledger.settleFloor()
      return collectExpired(realms, store, { keptMs: KEEP_MARGIN_MS })
    }
    await world.client('u1')
    const reader = await openReader(world, APP)
    const first = await bind(world, { client: 'u1', text: 'first', inMs: 1_000 })
    assert.equal(await collect(KEEP_MARGIN_MS), 0)
    assert.deepEqual(brief(await after(world, 0, reader)), [['expired', first]])
    await bind(world, { client: 'u1', text: 'second', inMs: 1_000 })
    assert.equal(await collect(KEEP_MARGIN_MS + 1_000), 2, 'nobody looked for longer than records are kept')
    assert.deepEqual(brief(await after(world, 0, reader)), [['reset', undefined]])
    const third = await bind(world, { client: 'u1', text: 'third', inMs: 1_000 })
    assert.deepEqual(brief(await after(world, 1_000, reader)), [['expired', third]])
  },
)

test('[W30] after a restart, only tokens that expire from then on are reported', async (t) => {
  const home = makeHome()
  const path = join(home.folder, 'rescind.db')
  const first = await openSqlite(path, START_MS)
  const world = await openChat({ store: first })
  await world.client('u1')
  const reader = await openReader(world, APP)
  await bind(world, { client: 'u1', text: 'first', inMs: 1_000 })
  const token = await bind(world, { client: 'u1', text: 'second', inMs: 60_000 })
  await drained(world, reader)
  await first.close()
  const second = await openSqlite(path, START_MS)
  t.after(async () => {
    await second.close()
    home.remove()
  })
  const { realms, realm, clock } = await openWorld(second)
  const { dialect, beat, tellExpired } = chatOn(realms)
  clock.advance(2_000)
  const again = await openReader({ dialect, realm }, APP, { ...ADMIN, 'Last-Event-ID': reader.lastId })
  clock.advance(1_000)
  await tellExpired()
  assert.deepEqual(await drained({ beat }, again), [])
  clock.advance(57_000)
  await tellExpired()
  assert.deepEqual(brief(await drained({ beat }, again)), [['expired', token]])
})
