import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { commitOwn, type Realm } from '@rescind/authority'
import { ORIGIN, position } from '@rescind/core'
import { TestSink } from '../test/kit/feed-sink.ts'
import { openWorld, type World } from '../test/kit/realm.ts'
import { RECENT_ROWS_MAX } from './channel.ts'
import { Feed } from './feed.ts'
import { INSTANCES_PER_KEY_MAX, INSTANCES_REMEMBERED_PER_KEY_MAX } from './instances.ts'
import { PENDING_MAX_BYTES } from './reader.ts'
import type { ConnectAsk, RealmFeed } from './realm-feed.ts'
import { PLAIN_PER_KEY_MAX, READERS_MAX } from './seats.ts'
import { SENDING_MAX, Turnstile } from './snapshots.ts'

const AUDIT = { by: 'test', from: 'local', how: 'test' }

async function open(): Promise<World & { readonly feed: Feed; readonly own: RealmFeed }> {
  const world = await openWorld()
  const feed = await Feed.open({ realms: world.realms, clock: world.clock, alarm: () => {} })
  return { ...world, feed, own: feed.of(world.realm) }
}

function ask({ realm }: { readonly realm: Realm }, over: Partial<ConnectAsk> = {}): ConnectAsk {
  const facts = {
    source: 'verifier',
    client: 'v',
    ancestors: [],
    position: realm.position(),
    expiresAtMs: 9e15,
  }
  const caller = { id: 'verifier:v', from: 'here', dependency: { realm: realm.ordinal, facts } }
  const none = { after: undefined, boundMs: undefined, instance: undefined, label: undefined }
  return { id: 'v', caller, ...none, onStale: 'refuse', format: 'sse', ...over }
}

async function join(own: RealmFeed, asked: ConnectAsk, sink = new TestSink()): Promise<TestSink> {
  const connected = await own.connect(asked)
  assert.equal(connected.kind, 'open')
  if (connected.kind === 'open') connected.attach(sink)
  return sink
}

async function append(realm: Realm, rows = 1, id = 'nothing'): Promise<void> {
  const row = realm.row({ kind: 'release', id }, AUDIT)
  await commitOwn(realm, new Array(rows).fill({ kind: 'append', row }) as never)
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

test('[F11] every reader gets every row once and in order, wherever it starts and whatever is written meanwhile', async () => {
  const world = await open()
  const { realm, own } = world
  await append(realm, 3)
  const from = await own.headText()
  const start = realm.index.seq
  for (let nth = 0; nth < 5; nth += 1) await append(realm, 700)
  const live = await join(own, ask(world))
  const late = await join(own, ask(world, { after: from }))
  for (let nth = 0; nth < 5; nth += 1) {
    await append(realm, 2)
    await turn()
  }
  while ((late.seqs.at(-1) ?? 0) < realm.index.seq) await turn()
  const all = Array.from({ length: realm.index.seq - start }, (_, at) => start + 1 + at)
  assert.deepEqual(late.seqs, all)
  assert.deepEqual(live.seqs, all.slice(-10))
})

test('[F11] [P12] a reader that takes nothing is disconnected with a reset past its bound, and delays no other reader', async () => {
  const world = await open()
  const stuck = new TestSink()
  stuck.stuck = true
  await join(world.own, ask(world), stuck)
  const quick = await join(world.own, ask(world))
  await append(world.realm)
  const bytes = stuck.text.length
  while (stuck.pending <= PENDING_MAX_BYTES - 1_000_000) await append(world.realm, 200, 'x'.repeat(1_000))
  assert.equal(stuck.ended, false)
  while (!stuck.ended) await append(world.realm, 200, 'x'.repeat(1_000))
  assert.ok(stuck.pending > PENDING_MAX_BYTES && bytes > 0)
  assert.equal(stuck.events.at(-1), 'reset')
  assert.match(stuck.text, /"why":"slow"/)
  const { length } = stuck.text
  await append(world.realm)
  assert.equal(stuck.text.length, length, 'nothing more is kept for it')
  assert.equal(quick.seqs.at(-1), world.realm.index.seq)
})

test('rows without a publication are read from the store by every connected reader', async () => {
  const world = await open()
  const reader = await join(world.own, ask(world))
  await append(world.realm)
  world.own.lost()
  await append(world.realm)
  while (reader.seqs.length < 2) await turn()
  assert.deepEqual(reader.seqs, [world.realm.index.seq - 1, world.realm.index.seq])
})

test('recent rows are bounded in memory, and older ones come from the store', async () => {
  const world = await open()
  const from = await world.own.headText()
  const first = await join(world.own, ask(world))
  for (let rows = 0; rows <= RECENT_ROWS_MAX; rows += 250) await append(world.realm, 250)
  const late = await join(world.own, ask(world, { after: from }))
  while ((late.seqs.at(-1) ?? 0) < world.realm.index.seq) await turn()
  assert.deepEqual(late.seqs, first.seqs)
})

describe('[W68] places among the readers of a realm', () => {
  // One key takes all shared places, so that verifiers of other keys cannot connect.
  const instance = { boundMs: 5_000 }
  const full = async (own: RealmFeed, asked: ConnectAsk): Promise<boolean> =>
    (await own.connect(asked)).kind === 'full'

  test('a key has a bounded number of plain readers, however fast they come, and another key its own', async () => {
    const world = await open()
    const asked = Array.from({ length: PLAIN_PER_KEY_MAX + 3 }, () => world.own.connect(ask(world)))
    const kinds = (await Promise.all(asked)).map(({ kind }) => kind)
    assert.equal(kinds.filter((kind) => kind === 'open').length, PLAIN_PER_KEY_MAX)
    assert.equal(kinds.at(-1), 'full')
    await join(world.own, ask(world, { id: 'w' }))
    await join(world.own, ask(world, instance))
  })

  test('a reader that was refused or has left holds no place', async () => {
    const world = await open()
    for (let nth = 0; nth < PLAIN_PER_KEY_MAX * 2; nth += 1) {
      assert.equal((await world.own.connect(ask(world, { after: 'forged' }))).kind, 'forged')
      const left = await join(world.own, ask(world))
      left.leave()
    }
    const last = await join(world.own, ask(world))
    last.leave()
    assert.equal(world.own.readers, 0)
  })

  test('waiting long polls count as plain readers', async () => {
    const world = await open()
    const at = await world.own.headText()
    const polls = Array.from({ length: PLAIN_PER_KEY_MAX }, () => world.own.poll('v', at, 60_000))
    assert.equal((await world.own.poll('v', at, 60_000)).kind, 'full')
    assert.equal(await full(world.own, ask(world)), true)
    assert.equal((await world.own.poll('w', at, 0)).kind, 'events')
    while (world.own.waiting < PLAIN_PER_KEY_MAX) await turn()
    await append(world.realm)
    for (const poll of await Promise.all(polls)) assert.equal(poll.kind, 'events')
    assert.equal((await world.own.poll('v', at, 0)).kind, 'events', 'their places are free again')
  })

  test('instances of a key are bounded; a returning one keeps its place', async () => {
    const world = await open()
    const all = []
    for (let nth = 0; nth < INSTANCES_PER_KEY_MAX; nth += 1)
      all.push(await join(world.own, ask(world, instance)))
    assert.equal(await full(world.own, ask(world, instance)), true)
    const [, known] = /"instance":"(\w+[\w-]*)"/.exec(all[0]?.text ?? '') ?? []
    await join(world.own, ask(world, { ...instance, instance: known }))
    await join(world.own, ask(world, { ...instance, id: 'w' }))
  })

  test('when all are taken, an instance displaces plain readers, and a key with none displaces one with many', async () => {
    const world = await open()
    const keys = READERS_MAX / INSTANCES_PER_KEY_MAX
    const plain = []
    for (let nth = 0; nth < PLAIN_PER_KEY_MAX; nth += 1) plain.push(await join(world.own, ask(world)))
    const instances = []
    for (let nth = PLAIN_PER_KEY_MAX; nth < READERS_MAX; nth += 1)
      instances.push(await join(world.own, ask(world, { ...instance, id: `k${nth % keys}` })))
    assert.equal(await full(world.own, ask(world, { id: 'w' })), true, 'a plain reader waits')
    await join(world.own, ask(world, { ...instance, id: 'w' }))
    assert.match(plain.at(-1)?.text ?? '', /event: reset\ndata: \{"why":"full"\}/)
    assert.equal(world.own.readers, READERS_MAX)
    for (const one of plain) one.leave()
    for (let nth = 1; nth < PLAIN_PER_KEY_MAX; nth += 1)
      instances.push(await join(world.own, ask(world, { ...instance, id: `k${nth % keys}` })))
    assert.equal(await full(world.own, ask(world, { ...instance, id: 'k0' })), true, 'as many as the others')
    await join(world.own, ask(world, { ...instance, id: 'x' }))
    assert.equal(instances.filter(({ ended }) => ended).length, 1, 'the newest of the key with most')
  })
})

test('instances of one key that never lapse keep no other key out', async () => {
  const world = await open()
  for (let nth = 0; nth < INSTANCES_REMEMBERED_PER_KEY_MAX; nth += 1) {
    const one = await join(world.own, ask(world, { boundMs: 5_000, onStale: 'allow' }))
    one.leave()
  }
  world.clock.advance(3_600_000)
  assert.equal((await world.own.connect(ask(world, { boundMs: 5_000 }))).kind, 'full')
  await join(world.own, ask(world, { boundMs: 5_000, id: 'w' }))
})

test('an instance that returns under its id takes over from its lost connection', async () => {
  const world = await open()
  const first = await join(world.own, ask(world, { boundMs: 5_000 }))
  const [, instance = ''] = /"instance":"(\w+[\w-]*)"/.exec(first.text) ?? []
  const again = await join(world.own, ask(world, { boundMs: 5_000, instance }))
  assert.match(again.text, new RegExp(instance))
  assert.deepEqual([first.events.at(-1), first.ended], ['reset', true])
  assert.equal(world.own.instances.get(instance)?.connected, true)
  const thief = await join(world.own, ask(world, { id: 'w', boundMs: 5_000, instance }))
  assert.doesNotMatch(thief.text, new RegExp(instance), 'another key gets an id of its own')
})

test('an instance is stored before its first byte, and the next process knows it', async () => {
  const world = await open()
  const connected = await world.own.connect(ask(world, { boundMs: 5_000 }))
  assert.equal(connected.kind, 'open')
  await append(world.realm)
  // Nothing was sent before the process ended.
  const next = await Feed.open({ realms: world.realms, clock: world.clock, alarm: () => {} })
  const seq = world.realm.index.seq
  const states = (): string[] =>
    next
      .of(world.realm)
      .instances.enforcement(seq)
      .map(({ state }) => state)
  assert.deepEqual(states(), ['pending'])
  world.clock.advance(5_001)
  assert.deepEqual(states(), ['lapsed'], 'its bound counts from the start of this process')
  next.close()
})

test('a reader whose key is revoked while it connects is not let in', async () => {
  const world = await open()
  const asked = ask(world, { boundMs: 5_000 })
  const target = { kind: 'cut', shape: 'client', principals: { source: 'verifier', client: 'v' } } as const
  const row = world.realm.row({ kind: 'revoke', target, keepUntilMs: 9e15 }, AUDIT)
  await commitOwn(world.realm, [{ kind: 'append', row }])
  assert.equal((await world.own.connect(asked)).kind, 'stale')
})

test('a checkpoint beyond the log, or of another history, stops the realm until a new epoch begins', async () => {
  const world = await open()
  const { realm, realms, feed, own } = world
  await append(realm, 5)
  const ahead = await own.headText()
  // The same store in an earlier state, as if its files had been put back.
  const older = await openWorld()
  const alarms: number[] = []
  const alarm = (_: Realm, { seq }: { readonly seq: number }): number => alarms.push(seq)
  const reopened = await Feed.open({ realms: older.realms, clock: older.clock, alarm })
  const connected = await reopened.of(older.realm).connect(ask(older, { after: ahead }))
  assert.equal(connected.kind, 'fork')
  if (connected.kind === 'fork') await reopened.forked(older.realm, connected.checkpoint)
  assert.deepEqual(alarms, [realm.index.seq])
  await assert.rejects(append(older.realm), /rolled back/)
  assert.deepEqual(older.realm.judge({ ...factsOf(older.realm) }), { kind: 'unknown', why: 'stale' })
  const later = await Feed.open({ realms: older.realms, clock: older.clock, alarm })
  assert.deepEqual(alarms.length, 2, 'a restart does not forget it')
  const epoch = { kind: 'epoch', ordinal: 2, epochId: 'two', lostBelow: older.realm.position() } as const
  await commitOwn(older.realm, [{ kind: 'append', row: older.realm.row(epoch, AUDIT) }])
  await append(older.realm)
  await turn()
  await Feed.open({ realms: older.realms, clock: older.clock, alarm })
  assert.equal(alarms.length, 2)
  for (const one of [feed, reopened, later]) one.close()
  assert.equal(realms.ledger.isSuspended(realm.ordinal), false)
})

test('a checkpoint of a history that a new epoch has left proves no fork, unless tokens of it live on', async () => {
  for (const [isKept, kind] of [
    [true, 'fork'],
    [false, 'open'],
  ] as const) {
    const [world, other] = [await open(), await open()]
    await append(world.realm, 2)
    const left = await world.own.headText()
    // The same store, rolled back and written to: its rows have the same numbers.
    await append(other.realm, 5, 'other')
    const { seq } = other.realm.index
    const lostBelow = isKept ? ORIGIN : position(2, seq + 1)
    const epoch = { kind: 'epoch', ordinal: 2, epochId: 'two', lostBelow } as const
    await commitOwn(other.realm, [{ kind: 'append', row: other.realm.row(epoch, AUDIT) }])
    assert.equal((await other.own.connect(ask(other, { after: left }))).kind, kind)
    for (const { feed } of [world, other]) feed.close()
  }
})

function factsOf(realm: Realm): Parameters<Realm['judge']>[0] {
  return { source: 'oauth', ancestors: [], position: realm.position(), expiresAtMs: realm.nowMs() + 1_000 }
}

test('a bounded number of large answers is sent at a time, some wait in turn, and the rest are refused', async () => {
  const turnstile = new Turnstile(SENDING_MAX, 2)
  const inside = []
  for (let nth = 0; nth < SENDING_MAX; nth += 1) inside.push(await turnstile.enter(`key ${nth}`))
  const order: number[] = []
  const waiting = [1, 2].map((nth) => turnstile.enter(`w${nth}`).then((leave) => (order.push(nth), leave)))
  await assert.rejects(turnstile.enter('x'), /too many/)
  await turn()
  assert.deepEqual(order, [])
  inside[0]?.()
  inside[0]?.()
  const leave = await waiting[0]
  await turn()
  assert.deepEqual(order, [1], 'a place that is given back twice is one place')
  leave?.()
  await waiting[1]
  assert.deepEqual(order, [1, 2])
})

test('[W68] one key never has all places for large answers, nor all of the queue for them', async () => {
  const turnstile = new Turnstile(8, 6)
  const own = []
  for (let nth = 0; nth < 4; nth += 1) own.push(await turnstile.enter('greedy'))
  const order: string[] = []
  const wait = (key: string): Promise<() => void> =>
    turnstile.enter(key).then((leave) => (order.push(key), leave))
  const greedy = [wait('greedy'), wait('greedy'), wait('greedy')]
  await assert.rejects(turnstile.enter('greedy'), /too many/)
  const others = []
  for (const key of ['a', 'b', 'c', 'd']) others.push(await turnstile.enter(key))
  const late = wait('a')
  others[1]?.()
  await late
  assert.deepEqual(order, ['a'], 'who has its share waits behind who has not')
  own[0]?.()
  await greedy[0]
  assert.deepEqual(order, ['a', 'greedy'])
})

test('a snapshot serves all concurrent requests, and an old one is replaced', async () => {
  const world = await open()
  const { snapshots } = world.own
  const [one, two] = await Promise.all([snapshots.get(), snapshots.get()])
  assert.equal(one, two)
  await append(world.realm)
  assert.equal(await snapshots.get(), one, 'the stream tells what came since')
  world.clock.advance(2_000)
  const next = await snapshots.get()
  assert.equal(next.position, await world.own.headText())
})
