import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HandClock } from '../test/kit/realm.ts'
import type { Contact } from './contact.ts'
import { INSTANCES_MAX, Instances, MARKS_MAX } from './instances.ts'

const BOUND_MS = 5_000

function contact(instance: string, over: Partial<Contact> = {}): Contact {
  return { instance, verifier: 'v', boundMs: BOUND_MS, onStale: 'refuse', contactMs: 0, firstSeq: 0, ...over }
}

function states(instances: Instances, seq: number): Record<string, string> {
  return Object.fromEntries(instances.enforcement(seq).map(({ instance, state }) => [instance, state]))
}

test('an instance is pending until it acknowledges the row, or a later one', () => {
  const clock = new HandClock()
  const instances = new Instances(clock)
  instances.connect(contact('a'), 'here')
  assert.deepEqual(states(instances, 7), { a: 'pending' })
  instances.acknowledge('a', { seq: 6, position: 'p' })
  assert.deepEqual(states(instances, 7), { a: 'pending' })
  clock.advance(12)
  instances.acknowledge('a', { seq: 9, position: 'q' })
  const [one] = instances.enforcement(7)
  assert.deepEqual([one?.state, one?.appliedAtMs], ['applied', clock.wallMs()])
  clock.advance(10)
  instances.acknowledge('a', { seq: 8, position: 'older' })
  assert.equal(instances.get('a')?.position, 'q', 'it never goes back')
})

test('it lapses when its bound has passed since its last contact, unless it allows stale tokens', () => {
  const clock = new HandClock()
  const instances = new Instances(clock)
  instances.connect(contact('refuses'), 'here')
  instances.connect(contact('asks', { onStale: 'ask' }), 'here')
  instances.connect(contact('allows', { onStale: 'allow' }), 'here')
  clock.advance(BOUND_MS)
  assert.deepEqual(states(instances, 1), { refuses: 'pending', asks: 'pending', allows: 'pending' })
  clock.advance(1)
  assert.deepEqual(states(instances, 1), { refuses: 'lapsed', asks: 'lapsed', allows: 'pending' })
  instances.acknowledge('refuses', { seq: 0, position: 'p' })
  assert.equal(states(instances, 1)['refuses'], 'pending', 'a contact makes it count again')
})

test('an instance that came after the row is not waited for; one from an earlier process is, for its bound', () => {
  const clock = new HandClock()
  const instances = new Instances(clock)
  instances.connect(contact('new', { firstSeq: 9 }), 'here')
  instances.recall(contact('old'), 0)
  assert.deepEqual(states(instances, 9), { old: 'pending' })
  assert.deepEqual(states(instances, 10), { new: 'pending', old: 'pending' })
  clock.advance(BOUND_MS + 1)
  assert.deepEqual(states(instances, 9), { old: 'lapsed' })
})

test('an instance that said goodbye is no longer waited for, and waiting ends with the last acknowledgement', async () => {
  const instances = new Instances(new HandClock())
  for (const name of ['a', 'b', 'c']) instances.connect(contact(name), 'here')
  let done = false
  const enforced = instances.enforced(3, 60_000).then((all) => {
    done = true
    return all
  })
  instances.acknowledge('a', { seq: 3, position: 'p' })
  instances.leave('b')
  await Promise.resolve()
  assert.equal(done, false)
  instances.acknowledge('c', { seq: 4, position: 'p' })
  assert.equal(await enforced, true)
  instances.connect(contact('d'), 'here')
  assert.equal(await instances.enforced(5, 0), false)
})

test('instances are bounded: a lapsed one makes room, never one that may still accept tokens', () => {
  const clock = new HandClock()
  const instances = new Instances(clock)
  for (let nth = 0; nth < INSTANCES_MAX; nth += 1) {
    if (nth % 100 === 0) assert.equal(instances.hasRoom('v'), true)
    instances.connect({ ...contact(`i${nth}`), verifier: `key ${nth % 10}` }, 'here')
  }
  assert.equal(instances.hasRoom('v'), false)
  for (const name of ['i5', 'i6']) instances.disconnect(name)
  clock.advance(BOUND_MS)
  assert.equal(instances.hasRoom('v'), false, 'they may still say yes')
  clock.advance(1)
  assert.equal(instances.hasRoom('v'), true)
  instances.connect(contact('and one'), 'here')
  assert.equal(instances.views().length, INSTANCES_MAX)
  assert.equal(instances.get('i5'), undefined)
  assert.notEqual(instances.get('i6'), undefined)
})

test('acknowledgement times are bounded; rows older than all of them have none', () => {
  const clock = new HandClock()
  const instances = new Instances(clock)
  instances.connect(contact('a'), 'here')
  for (let seq = 1; seq <= MARKS_MAX + 1; seq += 1) {
    clock.advance(1)
    instances.acknowledge('a', { seq, position: 'p' })
  }
  const appliedAt = (seq: number): number | undefined => instances.enforcement(seq)[0]?.appliedAtMs
  assert.equal(appliedAt(1), undefined)
  assert.equal(appliedAt(MARKS_MAX + 1), clock.wallMs())
  assert.equal(instances.enforcement(1)[0]?.state, 'applied')
})

test('when it applied a row is not known of what was written before its first contact, or before this process', () => {
  const clock = new HandClock()
  const instances = new Instances(clock)
  instances.connect(contact('new', { firstSeq: 9 }), 'here')
  instances.recall(contact('old', { firstSeq: 2 }), 5)
  clock.advance(1)
  for (const name of ['new', 'old']) instances.acknowledge(name, { seq: 12, position: 'p' })
  const timed = (seq: number): readonly string[] =>
    instances.enforcement(seq).flatMap((one) => (one.appliedAtMs === undefined ? [] : [one.instance]))
  assert.deepEqual(timed(5), [])
  assert.deepEqual(timed(6), ['old'])
  assert.deepEqual(timed(10), ['new', 'old'])
})

test('a lapsed instance says when its bound had passed', () => {
  const clock = new HandClock()
  const instances = new Instances(clock)
  const startMs = clock.wallMs()
  instances.connect(contact('a'), 'here')
  clock.advance(BOUND_MS + 700)
  const [one] = instances.enforcement(1)
  assert.deepEqual([one?.state, one?.lapsedAtMs], ['lapsed', startMs + BOUND_MS])
})
