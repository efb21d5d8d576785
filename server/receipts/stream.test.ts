import assert from 'node:assert/strict'
import { test } from 'node:test'
import { position, StoreUnavailable } from '@rescind/core'
import { TestSink } from '../../test/kit/feed-sink.ts'
import { HandClock, openWorld } from '../../test/kit/realm.ts'
import { until } from '../../test/kit/until.ts'
import type { Enforcement, EnforcementJson, InstanceJson } from './enforcement.ts'
import type { ReceiptJson } from './receipt.ts'
import { ReceiptStream } from './stream.ts'

const RECEIPT: ReceiptJson = {
  ...{ id: 'rev_1_2', realm: 'default', epoch: 1, seq: 2, at: '2026-03-01T12:00:00.000Z' },
  ...{ covers: { kind: 'key', key: 'k' }, by: 'control:first', from: 'local', how: 'control.revoke' },
}

function state(instances: InstanceJson[]): EnforcementJson {
  const laggards = instances.filter((one) => one.state === 'behind')
  return { enforced: laggards.length === 0, instanceCount: instances.length, instances, laggards }
}

function one(instance: string, is: InstanceJson['state'] = 'behind'): InstanceJson {
  return { verifier: 'v', instance, state: is }
}

/** A stream whose looks see what the test says. */
async function opened(first: EnforcementJson | StoreUnavailable) {
  const { realm } = await openWorld()
  const clock = new HandClock()
  let now = first
  let looks = 0
  const enforcement: Enforcement = {
    wait: async () => {},
    now: async () => {
      looks += 1
      if (now instanceof StoreUnavailable) throw now
      return now
    },
    follow: () => undefined,
    pauseMs: () => 1,
  }
  const sink = new TestSink()
  const parts = {
    realm,
    receipt: RECEIPT,
    enforcement,
    timeoutMs: 1_000,
    monotonicMs: () => clock.monotonicMs(),
  }
  const stream = new ReceiptStream({ ...parts, of: { at: position(1, 2), atMs: 0 } }, sink)
  const set = async (next: EnforcementJson | StoreUnavailable): Promise<void> => {
    now = next
    const from = looks
    await until(() => sink.ended || looks >= from + 2)
  }
  return { stream, sink, clock, set }
}

test('it says what changed and nothing twice, and ends once all have applied it', async () => {
  const { stream, sink, set } = await opened(state([one('a'), one('b')]))
  stream.start()
  await set(state([one('a', 'applied'), one('b')]))
  await set(state([one('a', 'applied'), one('b'), one('c')]))
  await set(state([one('a', 'applied'), one('c', 'lapsed')]))
  await until(() => sink.ended)
  assert.deepEqual(sink.events, ['receipt', 'instance', 'instance', 'instance', 'gone', 'enforced', 'end'])
})

test('it ends at its time, and is kept alive until then', async () => {
  const { stream, sink, clock, set } = await opened(state([one('a')]))
  stream.start()
  await set(state([one('a')]))
  stream.pulse()
  assert.match(sink.text, /\n\n:\n\n$/)
  clock.advance(1_000)
  await until(() => sink.ended)
  assert.match(sink.text, /event: end\ndata: \{"why":"timeout"\}\n\n$/)
  const { length } = sink.text
  stream.pulse()
  stream.disconnect('key')
  assert.equal(sink.text.length, length, 'nothing follows the end')
})

test('a reader that does not take its events is cut off', async () => {
  const { stream, sink, set } = await opened(state([one('a')]))
  stream.start()
  await set(state([one('a')]))
  sink.stuck = true
  sink.pending = 1_048_576
  await set(state([one('a'), one('b')]))
  await until(() => sink.ended)
  assert.match(sink.text, /"why":"slow"/)
})

test('when the store cannot be read it ends without a word, so that its reader asks again', async () => {
  const { stream, sink, set } = await opened(state([one('a')]))
  stream.start()
  await set(state([one('a')]))
  await set(new StoreUnavailable('away'))
  await until(() => sink.ended)
  assert.deepEqual(sink.events, ['receipt'])
})
