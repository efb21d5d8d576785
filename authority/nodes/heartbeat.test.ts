import assert from 'node:assert/strict'
import { test } from 'node:test'
import { StoreUnavailable } from '@rescind/core'
import { HandTime, settled } from '../../test/kit/hand-timers.ts'
import { HEARTBEAT_WAIT_MS, type Heads, Heartbeat } from './heartbeat.ts'

const BOUND_MS = 1_000
const NONE: Heads = new Map()

/** A node whose store answers when the test says so. */
function beating(boundMs = BOUND_MS) {
  const time = new HandTime()
  const answers: ((heads: Heads | undefined) => void)[] = []
  let begun = 0
  let canFold = true
  const heartbeat = new Heartbeat({
    ...{ clock: time, later: time.after, boundMs },
    beat: () => {
      begun += 1
      const { promise, resolve } = Promise.withResolvers<Heads | undefined>()
      answers.push(resolve)
      return promise
    },
    folded: async () => canFold,
  })
  const answer = async (isKnown = true): Promise<void> => {
    answers.shift()?.(isKnown ? NONE : undefined)
    await settled()
  }
  return { time, heartbeat, answer, begun: () => begun, cannotFold: () => (canFold = false) }
}

test('a heartbeat counts from when it was sent until the bound has passed', async () => {
  const { time, heartbeat, answer } = beating()
  heartbeat.start()
  await time.run(300)
  assert.equal(heartbeat.isFresh, false)
  await answer()
  assert.equal(heartbeat.isFresh, true)
  time.pause(BOUND_MS - 300)
  assert.equal(heartbeat.isFresh, true)
  time.pause(1)
  assert.equal(heartbeat.isFresh, false)
})

test('a long bound makes heartbeats no rarer than two a second, since streams end without them', async () => {
  const { time, heartbeat, answer, begun } = beating(10_000)
  heartbeat.start()
  for (let nth = 1; nth <= 4; nth += 1) {
    await answer()
    await time.run(500)
    assert.equal(begun(), 1 + nth)
  }
})

test('a heartbeat that lapses counts no more, nor does one that is under way', async () => {
  const { heartbeat, answer, begun } = beating()
  heartbeat.start()
  await answer()
  heartbeat.lapse()
  assert.equal(heartbeat.isFresh, false)
  const waiting = heartbeat.fresh()
  assert.equal(begun(), 2)
  heartbeat.lapse()
  await answer()
  assert.equal(heartbeat.isFresh, false)
  const next = heartbeat.next()
  await answer()
  await Promise.all([waiting, next])
  assert.equal(heartbeat.isFresh, true)
})

test('a machine that slept knows it by its wall clock', async () => {
  const { time, heartbeat, answer } = beating()
  heartbeat.start()
  await answer()
  time.pause(60_000, true)
  assert.equal(heartbeat.isFresh, false)
})

test('a wall clock that is set back gives no heartbeat a longer life', async () => {
  const { time, heartbeat, answer } = beating()
  heartbeat.start()
  await answer()
  time.step(-3_600_000)
  assert.equal(heartbeat.isFresh, true)
  time.pause(BOUND_MS + 1)
  assert.equal(heartbeat.isFresh, false)
})

test('one heartbeat serves all who came before it, also when it takes longer than the bound', async () => {
  const { time, heartbeat, answer, begun } = beating()
  const early = [heartbeat.fresh(), heartbeat.fresh()]
  await settled()
  // The first call began a heartbeat, and the second one came later.
  assert.equal(begun(), 1)
  await time.run(BOUND_MS + 500)
  await answer()
  await early[0]
  await time.run(1)
  assert.equal(begun(), 2)
  await answer()
  await early[1]
})

test('who needs a heartbeat begun later is not served by one that is under way, although that counts', async () => {
  const { time, heartbeat, answer, begun } = beating()
  heartbeat.start()
  const later = heartbeat.next()
  let isServed = false
  void later.then(() => (isServed = true))
  await answer()
  assert.deepEqual([heartbeat.isFresh, isServed, begun()], [true, false, 1])
  await time.run(1)
  assert.equal(begun(), 2)
  await answer()
  await later
})

test('a heartbeat whose outcome is not known, or that cannot be folded, serves nobody', async () => {
  const { time, heartbeat, answer, cannotFold } = beating()
  const waiting = assert.rejects(heartbeat.fresh(), StoreUnavailable)
  await answer(false)
  cannotFold()
  await time.run(100)
  await answer()
  assert.equal(heartbeat.isFresh, false)
  await time.run(HEARTBEAT_WAIT_MS)
  await waiting
})

test('who waits when the server stops gets an outage', async () => {
  const { heartbeat } = beating()
  const waiting = assert.rejects(heartbeat.fresh(), StoreUnavailable)
  const behind = assert.rejects(heartbeat.fresh(), StoreUnavailable)
  heartbeat.close()
  await Promise.all([waiting, behind])
})
