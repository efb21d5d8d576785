import assert from 'node:assert/strict'
import { test } from 'node:test'
import { callerFacts, type Realm } from '@rescind/authority'
import { type Answer, jsonAnswer, type Stale } from '@rescind/dialects'
import { Idempotency, type Keyed, REPLAY_MS } from '../../server/control/frame/idempotency.ts'
import { RunningCall } from '../../server/machine/running-calls.ts'
import { lastUsedMs } from '../../server/receipts/last-use.ts'
import { acceptancesOf } from '../../server/receipts/stored-acceptances.ts'
import { AcceptanceWriter } from '../../server/receipts/write-acceptances.ts'
import { issue } from '../../test/kit/acts.ts'
import { wireRequest } from '../../test/kit/request.ts'
import { sharedNodes } from '../../test/kit/shared-nodes.ts'

const { open } = sharedNodes()

function keyed(realm: Realm, key = 'k'): Keyed {
  const facts = callerFacts({ source: 'control', client: 'ops' }, realm.position())
  const caller = { id: 'control:ops', from: '127.0.0.1', dependency: { realm: realm.ordinal, facts } }
  const headers = { 'idempotency-key': key }
  const request = wireRequest({ method: 'POST', path: '/a', body: '{}', headers })
  return { realm, by: { kind: 'control', id: 'ops', role: 'admin', realm: undefined, caller }, request }
}

function statusOf(answer: Answer | Stale): number {
  assert.ok(answer !== 'stale')
  return answer.status
}

test('a call with one Idempotency-Key runs on one node at a time, and its answer is repeated by all', async () => {
  const [a, b] = [await open('a'), await open('b')]
  const calls = [new Idempotency(), new Idempotency()] as const
  let times = 0
  const started = Promise.withResolvers<void>()
  const going = Promise.withResolvers<void>()
  const run = async (): Promise<Answer> => {
    times += 1
    started.resolve()
    await going.promise
    return jsonAnswer(201, { nth: times })
  }
  const first = calls[0].run(keyed(a.realm), { run })
  await started.promise
  const second = await calls[1].run(keyed(b.realm), { run })
  assert.equal(statusOf(second), 409)
  going.resolve()
  assert.equal(statusOf(await first), 201)
  const repeated = await calls[1].run(keyed(b.realm), { run })
  assert.ok(repeated !== 'stale')
  assert.equal(repeated.status, 201)
  assert.equal(repeated.headers['idempotent-replayed'], 'true')
  assert.equal(times, 1)
})

test('who accepted a token, and its last use, are what all nodes have seen together', async () => {
  const [a, b] = [await open('a'), await open('b')]
  const { handle } = await issue(a.realm, 'access')
  const nowMs = a.realm.nowMs()
  const minuteMs = nowMs - (nowMs % 60_000)
  const seen = (of: typeof a, atMs: number, instance: string): void =>
    of.realm.acceptances.note(
      { by: 'verifier', name: 'orders-api' },
      { handle },
      { firstMs: atMs, lastMs: atMs, instance },
    )
  seen(a, nowMs + 120_000, 'host-a')
  seen(b, nowMs, 'host-b')
  // Neither knows of the other's entry before it writes its own.
  const writers = [new AcceptanceWriter(0), new AcceptanceWriter(0)] as const
  await Promise.all([writers[0].write(a.realm, () => false), writers[1].write(b.realm, () => false)])
  for (const { realm } of [a, b]) {
    assert.equal(await lastUsedMs(realm, handle), minuteMs + 120_000)
    const [accepted, ...more] = await acceptancesOf(realm, handle)
    assert.deepEqual(more, [])
    assert.deepEqual([accepted?.firstMs, accepted?.lastMs], [minuteMs, minuteMs + 120_000])
    assert.deepEqual([...(accepted?.instances ?? [])].sort(), ['host-a', 'host-b'])
  }
})

test('a call of a node that ended counts as running for a minute', async () => {
  const [a, b] = [await open('a'), await open('b')]
  assert.ok(await RunningCall.begin(a.realm, 'call'))
  assert.equal(await RunningCall.begin(b.realm, 'call'), undefined)
  b.clock.advance(60_000)
  const taken = await RunningCall.begin(b.realm, 'call')
  assert.ok(taken)
  await taken.end()
  assert.ok(await RunningCall.begin(a.realm, 'call'))
})

test('a node is not kept out by a sign of its own whose end could not be written', async () => {
  const [a, b] = [await open('a'), await open('b')]
  assert.ok(await RunningCall.begin(a.realm, 'call'))
  const again = await RunningCall.begin(a.realm, 'call')
  assert.ok(again)
  assert.equal(await RunningCall.begin(b.realm, 'call'), undefined)
  await again.end()
  assert.ok(await RunningCall.begin(b.realm, 'call'))
})

test('a node that was stopped for too long takes nothing from the one that took its call over', async () => {
  const [a, b, c] = [await open('a'), await open('b'), await open('c')]
  const stopped = await RunningCall.begin(a.realm, 'call')
  assert.ok(stopped)
  for (const { clock } of [a, b, c]) clock.advance(61_000)
  assert.ok(await RunningCall.begin(b.realm, 'call'))
  assert.equal(await stopped.goOnWith([]), false)
  await stopped.end()
  assert.equal(await RunningCall.begin(c.realm, 'call'), undefined)
})

test('a node evicts no answer that another one has written again under the same key', async () => {
  const [a, b] = [await open('a'), await open('b')]
  const calls = [new Idempotency(), new Idempotency()] as const
  const run = async (): Promise<Answer> => jsonAnswer(201, {})
  await calls[0].run(keyed(a.realm), { run })
  for (const { clock } of [a, b]) clock.advance(REPLAY_MS)
  await calls[1].run(keyed(b.realm), { run })
  await calls[0].run(keyed(a.realm, 'another'), { run })
  const repeated = await calls[1].run(keyed(b.realm), { run: () => assert.fail('it was done') })
  assert.ok(repeated !== 'stale')
  assert.equal(repeated.headers['idempotent-replayed'], 'true')
})

test('the write that keeps an answer ends the call, too', async () => {
  const { realm, store } = await open('a')
  let groups = 0
  const commit = store.commit.bind(store)
  store.commit = (group) => {
    groups += 1
    return commit(group)
  }
  await new Idempotency().run(keyed(realm), { run: async () => jsonAnswer(201, {}) })
  assert.equal(groups, 2)
})
