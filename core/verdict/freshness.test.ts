import assert from 'node:assert/strict'
import { test } from 'node:test'
import { position } from '../position.ts'
import { Freshness } from './freshness.ts'

const BOUND_MS = 5_000
const at = (seq: number): ReturnType<typeof position> => position(1, seq)
const clock = (
  monotonicMs: number,
  wallMs = 1_000_000 + monotonicMs,
): { monotonicMs: number; wallMs: number } => ({
  monotonicMs,
  wallMs,
})

test('[F14] nothing is fresh before a question was answered and its answer applied', () => {
  const fresh = new Freshness(BOUND_MS)
  assert.equal(fresh.lag(clock(0)), 'starting')
  fresh.prove({ sent: clock(10), at: at(7) }, at(6))
  assert.equal(fresh.lag(clock(20)), 'starting')
  fresh.applied(at(6))
  assert.equal(fresh.lag(clock(20)), 'starting')
  fresh.applied(at(7))
  assert.equal(fresh.lag(clock(20)), 'fresh')
  assert.equal(fresh.asOfMs, 1_000_010)
})

test('[F17] it is fresh as of the sending of the question, however late the answer came', () => {
  const fresh = new Freshness(BOUND_MS)
  fresh.prove({ sent: clock(0), at: at(1) }, at(1))
  assert.equal(fresh.lag(clock(BOUND_MS)), 'fresh')
  assert.equal(fresh.lag(clock(BOUND_MS + 1)), 'stale')
})

test('either clock makes it stale: a machine that slept, a wall clock that stepped ahead', () => {
  const fresh = new Freshness(BOUND_MS)
  fresh.prove({ sent: clock(0), at: at(1) }, at(1))
  assert.equal(fresh.lag(clock(10, 1_000_000 + BOUND_MS + 1)), 'stale', 'the monotonic clock stood still')
  assert.equal(fresh.lag(clock(BOUND_MS + 1, 1_000_000)), 'stale', 'the wall clock was set back')
  assert.equal(fresh.lag(clock(BOUND_MS, 1_000_000 - 3_600_000)), 'fresh')
})

test('what was read from a disk is stale, never fresh and never as if nothing were known', () => {
  const fresh = new Freshness(BOUND_MS)
  fresh.remember(999_999)
  assert.equal(fresh.lag(clock(0)), 'stale')
  assert.equal(fresh.asOfMs, 999_999)
  fresh.prove({ sent: clock(0), at: at(1) }, at(1))
  assert.equal(fresh.lag(clock(0)), 'fresh')
})

test('proofs count in their order, each when its rows are there', () => {
  const fresh = new Freshness(BOUND_MS)
  fresh.prove({ sent: clock(0), at: at(3) }, at(1))
  fresh.prove({ sent: clock(4_000), at: at(9) }, at(1))
  fresh.applied(at(5))
  assert.equal(fresh.lag(clock(5_001)), 'stale')
  fresh.applied(at(9))
  assert.equal(fresh.lag(clock(5_001)), 'fresh')
  assert.equal(fresh.isWaiting, false)
})

test('many proofs that wait are bounded, and none of them counts before its rows', () => {
  const fresh = new Freshness(BOUND_MS)
  for (let nth = 1; nth <= 100; nth += 1) fresh.prove({ sent: clock(nth), at: at(nth) }, at(0))
  assert.equal(fresh.lag(clock(100)), 'starting')
  fresh.applied(at(100))
  assert.equal(fresh.asOfMs, 1_000_100)
})

test('a source that is no longer trusted proves nothing', () => {
  const fresh = new Freshness(BOUND_MS)
  fresh.prove({ sent: clock(0), at: at(1) }, at(1))
  fresh.distrust()
  assert.equal(fresh.lag(clock(1)), 'stale')
  assert.equal(fresh.asOfMs, 1_000_000)
})
