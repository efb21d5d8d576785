import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { ROW_MAX, RowTable } from './row-table.ts'

/** Few partitions and few marks, so that everything collides that can. */
const bits = fc
  .integer({ min: 0, max: 40 })
  .map((value) => ((value % 3) << 16) | (value % 7 === 0 ? 0xffff : value))
const row = fc.oneof(fc.integer({ min: 1, max: 60 }), fc.constantFrom(2 ** 32 - 1, 2 ** 32, ROW_MAX))
const step = fc.record({ adds: fc.boolean(), bits, row })

test('a table of rows is a list of pairs without repetition, whatever is added and removed', () => {
  const property = fc.property(fc.array(step, { maxLength: 400 }), (steps) => {
    const table = new RowTable()
    const model = new Set<string>()
    for (const one of steps) {
      const pair = `${one.bits}:${one.row}`
      if (one.adds) model.add(pair)
      else model.delete(pair)
      if (one.adds) table.add(one.bits, one.row)
      else table.remove(one.bits, one.row)
    }
    assert.equal(table.size, model.size)
    for (let value = 0; value <= 40; value += 1) {
      for (const some of [((value % 3) << 16) | value, ((value % 3) << 16) | 0xffff]) {
        const expected = [...model].filter((pair) => pair.startsWith(`${some}:`))
        assert.deepEqual(
          table
            .candidates(some)
            .map((found) => `${some}:${found}`)
            .sort(),
          expected.sort(),
        )
      }
    }
  })
  fc.assert(property, { numRuns: 300, seed: 20_261_125 })
})

test('a table of 200,000 rows takes at most ten bytes for each, and few strangers share bits', () => {
  const table = new RowTable()
  const bitsOf = (at: number): number => Math.imul(at, 0x9e3779b1) >>> 6
  for (let at = 1; at <= 200_000; at += 1) table.add(bitsOf(at), at)
  assert.ok(table.bytes <= 200_000 * 10, `${table.bytes / 200_000} bytes each`)
  let candidates = 0
  for (let at = 1; at <= 200_000; at += 1) {
    const found = table.candidates(bitsOf(at))
    assert.ok(found.includes(at))
    candidates += found.length
  }
  assert.ok(candidates < 200_000 * 1.05)
  for (let at = 1; at <= 200_000; at += 1) table.remove(bitsOf(at), at)
  assert.equal(table.size, 0)
})
