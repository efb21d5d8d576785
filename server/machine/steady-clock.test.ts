import assert from 'node:assert/strict'
import { test } from 'node:test'
import { steadyClock } from './steady-clock.ts'

test('a wall clock that steps back does not turn time back', () => {
  const now = { wall: 1_000_000, monotonic: 50.25 }
  const clock = steadyClock({ wallMs: () => now.wall, monotonicMs: () => now.monotonic })
  now.wall += 5_000
  now.monotonic += 5_000
  assert.equal(clock.wallMs(), 1_005_000)
  now.wall -= 3_600_000
  now.monotonic += 1_000
  assert.equal(clock.wallMs(), 1_006_000)
  assert.equal(clock.monotonicMs(), 6_050.25)
})

test('a step forward is followed, and undone when the clock undoes it', () => {
  const now = { wall: 1_000_000, monotonic: 0 }
  const clock = steadyClock({ wallMs: () => now.wall, monotonicMs: () => now.monotonic })
  now.wall += 86_400_000
  assert.equal(clock.wallMs(), 87_400_000)
  now.wall -= 86_400_000
  assert.equal(clock.wallMs(), 1_000_000)
})
