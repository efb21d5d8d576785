import assert from 'node:assert/strict'
import { test } from 'node:test'
import { commitOwn, type Realm } from '@rescind/authority'
import { TestSink } from '../test/kit/feed-sink.ts'
import { openWorld } from '../test/kit/realm.ts'
import { Feed } from './feed.ts'

const AUDIT = { by: 'test', from: 'local', how: 'test' }

async function append(realm: Realm): Promise<void> {
  await commitOwn(realm, [{ kind: 'append', row: realm.row({ kind: 'release', id: 'nothing' }, AUDIT) }])
}

test('an acknowledgement tells how long the oldest row in it took', async () => {
  const world = await openWorld()
  const { realm, clock } = world
  const told: number[] = []
  const propagated = (ms: number): number => told.push(ms)
  const feed = await Feed.open({ realms: world.realms, clock, alarm: () => {}, propagated })
  const own = feed.of(realm)
  const facts = {
    source: 'verifier',
    client: 'v',
    ancestors: [],
    position: realm.position(),
    expiresAtMs: 9e15,
  }
  const caller = { id: 'verifier:v', from: 'here', dependency: { realm: realm.ordinal, facts } }
  const asked = {
    id: 'v',
    caller,
    after: undefined,
    boundMs: 5_000,
    onStale: 'refuse',
    instance: undefined,
  } as const
  const sink = new TestSink()
  const connected = await own.connect({ ...asked, label: undefined, format: 'sse' })
  assert.equal(connected.kind, 'open')
  if (connected.kind === 'open') connected.attach(sink)
  const instance = /"instance":"([^"]+)"/.exec(sink.text)?.[1] ?? ''
  const acknowledge = async (): Promise<void> => {
    const acked = await own.acknowledge({
      ...{ id: 'v', caller, instance, boundMs: 5_000, leaving: false },
      position: await own.headText(),
    })
    assert.equal(acked.kind, 'acked')
  }
  await append(realm)
  assert.deepEqual(feed.instanceCounts(), { applied: 0, behind: 1, lapsed: 0 })
  await acknowledge()
  assert.deepEqual(told, [], 'what it had before its first acknowledgement is not known')
  assert.deepEqual(feed.instanceCounts(), { applied: 1, behind: 0, lapsed: 0 })
  await append(realm)
  clock.advance(300)
  await append(realm)
  clock.advance(40)
  await acknowledge()
  await acknowledge()
  assert.deepEqual(told, [340])
  await append(realm)
  clock.advance(6_000)
  assert.deepEqual(feed.instanceCounts(), { applied: 0, behind: 0, lapsed: 1 })
  feed.close()
})
