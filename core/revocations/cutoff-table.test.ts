import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { NOW_MS } from '../../test/kit/samples.ts'
import { sha256Latin1 } from '../crypto/digests.ts'
import type { IndexKey } from '../log/index-keys.ts'
import { type Position, position } from '../position.ts'
import { type Cutoff, CutoffTable, cutoffHits } from './cutoff-table.ts'
import { SLICES } from './key-table.ts'

function keyAt(number: number): IndexKey {
  return sha256Latin1(`cut ${number}`).slice(0, 16) as IndexKey
}

const at = (seq: number, ordinal = 1): Position => position(ordinal, seq)
const NONE: Cutoff = {
  plain: at(0, 0),
  plainAtMs: 0,
  datedBeforeMs: 0,
  dated: at(0, 0),
  authenticatedMs: 0,
  keepUntilMs: NOW_MS,
}

const anyCutoff: fc.Arbitrary<Cutoff> = fc
  .tuple(fc.nat(20), fc.nat(20), fc.nat(20), fc.nat(20), fc.nat(20), fc.integer({ min: 1, max: 20 }))
  .map(([plain, plainAtMs, datedBeforeMs, dated, authenticatedMs, keepUntilMs]) => ({
    plain: at(plain),
    plainAtMs,
    datedBeforeMs,
    dated: at(dated),
    authenticatedMs,
    keepUntilMs,
  }))

function higher(one: Cutoff, other: Cutoff): Cutoff {
  const max = <T extends number>(left: T, right: T): T => (left > right ? left : right)
  return {
    plain: max(one.plain, other.plain),
    plainAtMs: max(one.plainAtMs, other.plainAtMs),
    datedBeforeMs: max(one.datedBeforeMs, other.datedBeforeMs),
    dated: max(one.dated, other.dated),
    authenticatedMs: max(one.authenticatedMs, other.authenticatedMs),
    keepUntilMs: max(one.keepUntilMs, other.keepUntilMs),
  }
}

const step = fc.oneof(
  { weight: 9, arbitrary: fc.tuple(fc.nat(60), anyCutoff) },
  { weight: 1, arbitrary: fc.nat(20) },
)

test('every history of cutoffs and drops gives what a map of the highest values gives', () => {
  const property = fc.property(fc.array(step, { maxLength: 150 }), (steps) => {
    const table = new CutoffTable()
    const model = new Map<number, Cutoff>()
    for (const one of steps) {
      if (typeof one === 'number') {
        table.dropExpired(one)
        for (const [key, cutoff] of model) if (cutoff.keepUntilMs <= one) model.delete(key)
        continue
      }
      const [key, cutoff] = one
      table.raise(keyAt(key), cutoff)
      model.set(key, higher(cutoff, model.get(key) ?? cutoff))
    }
    assert.equal(table.size, model.size)
    for (let key = 0; key <= 60; key += 1) assert.deepEqual(table.get(keyAt(key)), model.get(key))
  })
  fc.assert(property, { numRuns: 1_000 })
})

test('a later, lower cutoff never weakens an earlier one', () => {
  const property = fc.property(
    fc.array(anyCutoff, { minLength: 2, maxLength: 8 }),
    fc.nat(22),
    fc.nat(22),
    (cutoffs, seq, ms) => {
      const table = new CutoffTable()
      let wasHit = false
      for (const cutoff of cutoffs) {
        table.raise(keyAt(1), cutoff)
        const isHit = table.hits(keyAt(1), at(seq), ms)
        assert.ok(isHit || !wasHit, 'a hit went away')
        wasHit = isHit
      }
    },
  )
  fc.assert(property, { numRuns: 2_000 })
})

test('the hot path answers as `get` and `cutoffHits` do', () => {
  const property = fc.property(anyCutoff, fc.nat(22), fc.nat(22), (cutoff, seq, ms) => {
    const table = new CutoffTable()
    table.raise(keyAt(1), cutoff)
    const found = table.get(keyAt(1))
    assert.ok(found !== undefined)
    assert.equal(table.hits(keyAt(1), at(seq), ms), cutoffHits(found, at(seq), ms))
    assert.equal(table.hits(keyAt(2), at(seq), ms), false)
  })
  fc.assert(property, { numRuns: 2_000 })
})

test('a plain cutoff hits what was issued before it and nothing at or after it', () => {
  const cutoff = { ...NONE, plain: at(5) }
  assert.deepEqual(
    [4, 5, 6].map((seq) => cutoffHits(cutoff, at(seq), 0)),
    [true, false, false],
  )
  assert.equal(cutoffHits(cutoff, at(9, 0), 0), true, 'an earlier epoch is before')
  assert.equal(cutoffHits(cutoff, at(1, 2), 0), false, 'a later epoch is not')
})

test('a dated cutoff hits only what is before both its position and its instant', () => {
  const cutoff = { ...NONE, dated: at(5), datedBeforeMs: 100 }
  assert.equal(cutoffHits(cutoff, at(4), 99), true)
  assert.equal(cutoffHits(cutoff, at(4), 100), false)
  assert.equal(cutoffHits(cutoff, at(5), 99), false)
})

test('20,000 cutoffs are found, and none is invented', () => {
  const table = new CutoffTable()
  for (let key = 0; key < 20_000; key += 1) table.raise(keyAt(key), { ...NONE, plain: at(key + 1) })
  for (let key = 0; key < 20_000; key += 1) {
    if (table.get(keyAt(key))?.plain !== at(key + 1)) assert.fail(`cut ${key}`)
    if (table.hits(keyAt(key + 20_000), at(0, 0), 0)) assert.fail(`invented ${key}`)
  }
  assert.equal(table.size, 20_000)
})

test('an empty table hits nothing', () => {
  const table = new CutoffTable()
  assert.equal(table.get(keyAt(1)), undefined)
  assert.equal(table.hits(keyAt(1), at(0, 0), 0), false)
  table.dropExpired(Number.MAX_SAFE_INTEGER)
  assert.equal(table.size, 0)
})

test('a cutoff stays while its keep is above the floor, and its slot is reused after it left', () => {
  const table = new CutoffTable()
  table.raise(keyAt(1), { ...NONE, plain: at(9), keepUntilMs: 100 })
  table.dropExpired(99)
  assert.equal(table.hits(keyAt(1), at(1), 0), true)
  table.dropExpired(100)
  assert.deepEqual([table.size, table.get(keyAt(1))], [0, undefined])
  table.raise(keyAt(1), { ...NONE, plain: at(3), keepUntilMs: 200 })
  assert.equal(table.get(keyAt(1))?.plain, at(3), 'nothing of the dropped cut is left in its slot')
})

test('a walk includes every entry present when it began, whatever comes and goes meanwhile', () => {
  const table = new CutoffTable()
  for (let key = 0; key < 2_000; key += 1)
    table.raise(keyAt(key), { ...NONE, plain: at(key + 1), keepUntilMs: key % 2 === 0 ? 100 : NOW_MS })
  const walk = table.entries()[Symbol.iterator]()
  const found = new Map<IndexKey, Cutoff>()
  for (let nth = 0; ; nth += 1) {
    const next = walk.next()
    if (next.done === true) break
    found.set(next.value[0], next.value[1])
    if (nth === 10) table.dropExpired(100)
    if (nth < 500)
      for (let key = 0; key < 20; key += 1)
        table.raise(keyAt(2_000 + nth * 20 + key), { ...NONE, plain: at(1) })
  }
  for (let key = 0; key < 2_000; key += 1)
    assert.equal(found.get(keyAt(key))?.plain, at(key + 1), `cut ${key}`)
})

test('one slice drops some of the expired cutoffs, and all slices drop all of them', () => {
  const table = new CutoffTable()
  for (let key = 0; key < 20_000; key += 1) table.raise(keyAt(key), { ...NONE, keepUntilMs: 100 })
  for (let slice = 0; slice < SLICES; slice += 1) {
    const before = table.size
    table.dropExpired(100, slice + 7 * SLICES)
    assert.ok(before - table.size < 20_000 / 32, `${before - table.size} of 20,000 in one slice`)
  }
  assert.equal(table.size, 0)
})
