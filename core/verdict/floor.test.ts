import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { DAY_MS, NOW_MS } from '../../test/kit/samples.ts'
import { CLOCK_STEP_MS, CLOCK_TRUST_MS, type ClockReading, Floor } from './floor.ts'

const HOUR_MS = 3_600_000

/** Both clocks after `ranMs`, the wall clock off by `offByMs` since the start. */
function reading(ranMs: number, offByMs = 0): ClockReading {
  return { wallMs: NOW_MS + ranMs + offByMs, monotonicMs: 5_000 + ranMs }
}

test('the floor starts at its durable value, not at the clock’s', () => {
  const floor = new Floor(NOW_MS - DAY_MS, reading(0))
  assert.equal(floor.ms, NOW_MS - DAY_MS)
  assert.equal(floor.raise(reading(0)), NOW_MS - DAY_MS)
})

test('it rises by what the monotonic clock has run while the gap is not trusted (model §3.4)', () => {
  const floor = new Floor(NOW_MS - DAY_MS, reading(0))
  assert.equal(floor.raise(reading(60_000)), NOW_MS - DAY_MS + 60_000)
  assert.equal(floor.raise(reading(CLOCK_TRUST_MS - 1)), NOW_MS - DAY_MS + CLOCK_TRUST_MS - 1)
})

test('after one hour of agreement it skips the gap', () => {
  assert.equal(CLOCK_TRUST_MS, HOUR_MS)
  const floor = new Floor(NOW_MS - DAY_MS, reading(0))
  assert.equal(floor.raise(reading(HOUR_MS)), NOW_MS + HOUR_MS)
  assert.equal(floor.raise(reading(HOUR_MS + 5)), NOW_MS + HOUR_MS + 5)
})

test('a store whose floor is ahead of the clock keeps it', () => {
  const floor = new Floor(NOW_MS + DAY_MS, reading(0))
  for (const ranMs of [0, 1, HOUR_MS, 2 * HOUR_MS]) assert.equal(floor.raise(reading(ranMs)), NOW_MS + DAY_MS)
  assert.equal(floor.raise(reading(DAY_MS + 7)), NOW_MS + DAY_MS + 7)
})

test('a step of more than a minute, either way, stops it; a minute does not', () => {
  for (const stepMs of [CLOCK_STEP_MS + 1, -CLOCK_STEP_MS - 1, DAY_MS, -DAY_MS]) {
    const floor = new Floor(NOW_MS, reading(0))
    assert.equal(floor.raise(reading(1_000)), NOW_MS + 1_000)
    assert.equal(floor.stepped(reading(2_000, stepMs)), true)
    assert.equal(floor.raise(reading(2_000, stepMs)), NOW_MS + 1_000)
    assert.equal(floor.raise(reading(3 * HOUR_MS, stepMs)), NOW_MS + 1_000)
    assert.equal(floor.raise(reading(3 * HOUR_MS)), NOW_MS + 3 * HOUR_MS, 'and goes on when they agree again')
  }
  for (const stepMs of [CLOCK_STEP_MS, -CLOCK_STEP_MS]) {
    assert.equal(new Floor(NOW_MS, reading(0)).stepped(reading(2_000, stepMs)), false)
  }
})

test('a clock that was stepped does not become trusted by running for an hour', () => {
  const floor = new Floor(NOW_MS - DAY_MS, reading(0))
  assert.equal(floor.raise(reading(2 * HOUR_MS, DAY_MS)), NOW_MS - DAY_MS)
})

test('an operator’s confirmation adopts the wall clock at once, steps and gaps included', () => {
  const floor = new Floor(NOW_MS - 9 * DAY_MS, reading(0))
  assert.equal(floor.confirm(reading(1_000, DAY_MS)), NOW_MS + 1_000 + DAY_MS)
  assert.equal(floor.stepped(reading(2_000, DAY_MS)), false)
  assert.equal(floor.raise(reading(2_000, DAY_MS)), NOW_MS + 2_000 + DAY_MS)
})

test('a clock that ticks in fractions makes a floor of whole milliseconds', () => {
  const floor = new Floor(NOW_MS - DAY_MS, { wallMs: NOW_MS, monotonicMs: 0.25 })
  assert.equal(floor.raise({ wallMs: NOW_MS + 10, monotonicMs: 10.9 }), NOW_MS - DAY_MS + 10)
})

test('a confirmation of an earlier clock does not lower it', () => {
  const floor = new Floor(NOW_MS, reading(0))
  assert.equal(floor.confirm(reading(0, -DAY_MS)), NOW_MS)
  assert.equal(floor.raise(reading(1_000, -DAY_MS)), NOW_MS)
})

test('whatever the clocks do it never falls, and in the first hour never outruns the monotonic clock', () => {
  const step = fc.record({
    ranMs: fc.nat(20 * 60_000),
    offByMs: fc.integer({ min: -3 * HOUR_MS, max: 3 * HOUR_MS }),
  })
  const gap = fc.integer({ min: -DAY_MS, max: DAY_MS })
  const property = fc.property(gap, fc.array(step, { maxLength: 12 }), (gapMs, steps) => {
    const start = NOW_MS + gapMs
    const floor = new Floor(start, reading(0))
    let [ranMs, last] = [0, start]
    for (const one of steps) {
      ranMs += one.ranMs
      const now = floor.raise(reading(ranMs, one.offByMs))
      assert.ok(now >= last, 'it fell')
      if (ranMs < CLOCK_TRUST_MS) assert.ok(now <= start + ranMs, 'it outran the monotonic clock')
      assert.ok(
        now <= Math.max(start, NOW_MS + ranMs + CLOCK_STEP_MS),
        'it outran real time by more than a step',
      )
      last = now
    }
  })
  fc.assert(property, { numRuns: 3_000 })
})

test('a wall clock of another machine may drift by one per cent for ever, and a step is still seen', () => {
  const floor = new Floor(NOW_MS, reading(0))
  const offAt = (ranMs: number): number => ranMs / 101
  const end = 30 * HOUR_MS
  for (let ranMs = 0; ranMs <= end; ranMs += 30_000) {
    floor.keepPace(reading(ranMs, offAt(ranMs)))
    assert.equal(floor.stepped(reading(ranMs, offAt(ranMs))), false)
  }
  const stepped = (ranMs: number): ClockReading => reading(ranMs, offAt(end) + CLOCK_STEP_MS + 2_000)
  for (let ranMs = end; ranMs <= 2 * end; ranMs += 30_000) {
    floor.keepPace(stepped(ranMs))
    assert.equal(floor.stepped(stepped(ranMs)), true, 'also hours later, until it is confirmed')
  }
  floor.confirm(stepped(end))
  assert.equal(floor.stepped(stepped(end)), false)
})

test('clocks that nobody lets keep pace are compared since the start', () => {
  const floor = new Floor(NOW_MS, reading(0))
  assert.equal(floor.stepped(reading(HOUR_MS, 30_000)), false)
  assert.equal(floor.stepped(reading(2 * HOUR_MS, CLOCK_STEP_MS + 1)), true)
})
