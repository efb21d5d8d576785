import assert from 'node:assert/strict'
import { test } from 'node:test'
import { differenceOf } from './statistics.ts'

/** Numbers that look random, and are the same in every run. */
function noise(count: number, shift: number, seed: number): number[] {
  let state = seed
  return Array.from({ length: count }, () => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648
    return 100_000 + shift + (state % 10_000)
  })
}

test('[W91] two kinds that take the same time are not told apart, and a shift is', () => {
  assert.ok(Math.abs(differenceOf(noise(20_000, 0, 1), noise(20_000, 0, 2)).t) < 4.5)
  const { t, meanNs } = differenceOf(noise(20_000, 500, 1), noise(20_000, 0, 2))
  assert.ok(t > 4.5)
  // Cropping the slower kind makes the difference look smaller.
  assert.ok(meanNs > 150 && meanNs <= 550, String(meanNs))
})

test('[W91] a few very slow samples make no difference', () => {
  const slow = noise(20_000, 0, 1).map((sample, at) => (at % 100 === 0 ? sample * 1_000 : sample))
  assert.ok(Math.abs(differenceOf(slow, noise(20_000, 0, 2)).t) < 6)
})
