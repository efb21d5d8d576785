import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { ContractBroken } from './faults.ts'
import { ORDINAL_MAX, ORIGIN, ordinalOf, position, SEQ_MAX, seqOf } from './position.ts'

const ordinal = fc.oneof(fc.nat(3), fc.integer({ min: ORDINAL_MAX - 3, max: ORDINAL_MAX }))
const seq = fc.oneof(
  fc.nat(3),
  fc.integer({ min: SEQ_MAX - 3, max: SEQ_MAX }),
  fc.maxSafeNat().map((n) => n % SEQ_MAX),
)
const pair = fc.tuple(ordinal, seq)

test('a position gives back its epoch and its seq', () => {
  const property = fc.property(pair, ([epoch, row]) => {
    const at = position(epoch, row)
    assert.deepEqual([ordinalOf(at), seqOf(at)], [epoch, row])
  })
  fc.assert(property, { numRuns: 2_000 })
})

test('positions compare as pairs: the epoch first, then the seq (model §3.2)', () => {
  const property = fc.property(pair, pair, (left, right) => {
    const isLess = left[0] < right[0] || (left[0] === right[0] && left[1] < right[1])
    assert.equal(position(...left) < position(...right), isLess)
    const isSame = left[0] === right[0] && left[1] === right[1]
    assert.equal(position(...left) === position(...right), isSame)
  })
  fc.assert(property, { numRuns: 5_000 })
})

test('the last position is a safe integer, and none follows', () => {
  assert.equal(position(ORDINAL_MAX, SEQ_MAX), Number.MAX_SAFE_INTEGER)
  assert.equal(position(0, 0), ORIGIN)
  const beyond = [
    [ORDINAL_MAX + 1, 0],
    [0, SEQ_MAX + 1],
    [-1, 0],
    [0, -1],
    [Number.NaN, 0],
    [0, Number.NaN],
    [Number.POSITIVE_INFINITY, 0],
  ] as const
  for (const [epoch, row] of beyond) assert.throws(() => position(epoch, row), ContractBroken)
})
