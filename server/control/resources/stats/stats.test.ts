import assert from 'node:assert/strict'
import { test } from 'node:test'
import { commitOwn, type Realm, ruleOn } from '@rescind/authority'
import { StoreUnavailable } from '@rescind/core'
import { actOf, issue } from '../../../../test/kit/acts.ts'
import { TestSink } from '../../../../test/kit/feed-sink.ts'
import { openWorld } from '../../../../test/kit/realm.ts'
import { TokenCount } from './live-tokens.ts'
import { RecentRules } from './recent-rules.ts'
import { SlotCounts } from './slot-counts.ts'
import { Stats, type StatsParts } from './stats.ts'
import type { StatsJson } from './stats-json.ts'
import { StatsStream } from './stats-stream.ts'

const AUDIT = { by: 'test', from: 'local', how: 'test' }
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

test('a window counts its slots and the running one, and nothing older', () => {
  const counts = new SlotCounts(3, 100)
  for (const atMs of [1_000, 1_099, 1_100, 1_250, 1_399]) counts.add(atMs)
  assert.deepEqual(counts.read(1_399), { sinceMs: 1_000, count: 5 })
  assert.deepEqual(counts.read(1_400), { sinceMs: 1_100, count: 3 })
  assert.deepEqual(counts.read(2_000), { sinceMs: 1_700, count: 0 })
  counts.add(900)
  assert.deepEqual(
    counts.read(1_399),
    { sinceMs: 1_000, count: 5 },
    'what is too old takes no slot of another',
  )
})

async function revoke(realm: Realm, rows = 1): Promise<void> {
  const target = { kind: 'cut', shape: 'subject', principals: { source: 'oauth', subject: 'ann' } } as const
  const row = realm.row(ruleOn(realm, target), AUDIT)
  await commitOwn(realm, new Array(rows).fill({ kind: 'append', row }) as never)
}

test('rules from before a restart are read from the store, and those after are told', async () => {
  const { realm, clock, realms } = await openWorld()
  for (let nth = 0; nth < 3; nth += 1) await revoke(realm, 900)
  clock.advance(7_200_000)
  await revoke(realm, 5)
  const rules = new RecentRules(realm)
  realms.ledger.onRow((_, row) => rules.told(row))
  await rules.catchUp()
  clock.advance(1_000)
  await revoke(realm, 2)
  assert.deepEqual(
    rules
      .read(realm.nowMs())
      .map(({ windowSeconds, count }) => [windowSeconds, count])
      .slice(0, 2),
    [
      [60, 7],
      [3_600, 7],
    ],
  )
  let day = rules.read(realm.nowMs())[2]
  while (day?.complete !== true) {
    await turn()
    day = rules.read(realm.nowMs())[2]
  }
  assert.deepEqual([day.windowSeconds, day.count], [86_400, 2_707])
  clock.advance(86_400_000 + 900_000)
  assert.deepEqual(
    rules.read(realm.nowMs()).map(({ count }) => count),
    [0, 0, 0],
  )
})

test('counting tokens lets other work run', async () => {
  const { realm } = await openWorld()
  await Promise.all(Array.from({ length: 250 }, (_, nth) => issue(realm, `text-${nth}`)))
  let turns = 0
  let live: number | undefined
  void new TokenCount(realm).read().then((counted) => (live = counted.live))
  for (; live === undefined; turns += 1) await turn()
  assert.equal(live, 250)
  assert.ok(turns >= 5, `${turns} turns`)
})

test('what is remembered of a realm is forgotten once it is closed', async () => {
  const { realms, realm } = await openWorld()
  const counts = { applied: 0, behind: 0, lapsed: 0 }
  const feed = { refresh: async () => {}, of: () => ({ instanceCounts: counts }) }
  const parts = { realms, feed, monotonicMs: () => 0, node: () => ({}) } as unknown as StatsParts
  const stats = new Stats(parts)
  const first = stats.read(realm)
  assert.equal(stats.read(realm), first)
  const act = { caller: actOf(realms.system).caller, audit: AUDIT }
  assert.equal(await realms.setState(realm.name, 'disabled', act), 'done')
  assert.equal(await realms.setState(realm.name, 'enabled', act), 'done')
  assert.notEqual(stats.read(realm), first)
  await Promise.all([first, stats.read(realm)])
})

const STATS = { at: 'x'.repeat(1_000) } as unknown as StatsJson

test('a stream says the numbers at once and at each tick, until its key ends', async () => {
  const sink = new TestSink()
  const stream = new StatsStream({ read: async () => STATS }, sink, 3_600_000)
  await turn()
  stream.tick()
  await turn()
  assert.deepEqual(sink.events, ['stats', 'stats'])
  stream.disconnect('key')
  stream.tick()
  await turn()
  assert.deepEqual(sink.events, ['stats', 'stats', 'end'])
  assert.match(sink.text, /"why":"key"/)
  assert.ok(sink.ended)
})

test('a reader that takes nothing is cut, and ticks do not pile up while the store is slow', async () => {
  const sink = new TestSink()
  sink.stuck = true
  const stream = new StatsStream({ read: async () => STATS }, sink, 3_600_000)
  for (let nth = 0; nth < 200 && !sink.ended; nth += 1) {
    await turn()
    stream.tick()
  }
  assert.ok(sink.ended && sink.pending < 80_000)
  let asked = 0
  const never = new Promise<StatsJson>(() => {})
  const slow = new StatsStream({ read: () => ((asked += 1), never) }, new TestSink(), 3_600_000)
  for (let nth = 0; nth < 5; nth += 1) slow.tick()
  assert.equal(asked, 1)
  slow.disconnect('stopping')
})

test('an outage ends the stream', async () => {
  const sink = new TestSink()
  const read = async (): Promise<StatsJson> => {
    throw new StoreUnavailable('down')
  }
  new StatsStream({ read }, sink, 3_600_000)
  await turn()
  assert.ok(sink.ended)
  assert.deepEqual(sink.events, [])
})
