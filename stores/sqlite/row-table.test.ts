import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ContractBroken } from '@rescind/core'
import fc from 'fast-check'
import { ROW_MAX, RowTable } from './row-table.ts'

/** Few partitions and few marks, so that entries collide often. */
const bits = fc
  .integer({ min: 0, max: 40 })
  .map((value) => ((value % 3) << 16) | (value % 7 === 0 ? 0xffff : value))
const row = fc.oneof(fc.integer({ min: 1, max: 60 }), fc.constantFrom(2 ** 32 - 1, 2 ** 32, ROW_MAX))
const step = fc.record({ adds: fc.boolean(), bits, row })

const filling = fc.option(
  fc.record({ announced: fc.nat(60_000), entries: fc.array(fc.record({ bits, row }), { maxLength: 400 }) }),
  { nil: undefined },
)

test('a table of rows equals a list of pairs without repetition, after every filling, adding and removing', () => {
  const property = fc.property(filling, fc.array(step, { maxLength: 400 }), (filled, steps) => {
    const table = new RowTable()
    const model = new Set<string>()
    if (filled !== undefined) {
      table.beginFill(filled.announced)
      for (const one of filled.entries) {
        table.add(one.bits, one.row)
        model.add(`${one.bits}:${one.row}`)
      }
      table.endFill()
    }
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

test('a table of 200,000 rows takes at most ten bytes for each, and few rows share bits', () => {
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

test('a table that is being filled refuses queries instead of looking empty', () => {
  const table = new RowTable()
  assert.throws(() => table.endFill(), ContractBroken)
  table.beginFill(1)
  table.add(1, 1)
  for (const ask of [
    () => table.size,
    () => table.candidates(1),
    () => table.remove(1, 1),
    () => table.beginFill(1),
  ])
    assert.throws(ask, ContractBroken)
  table.endFill()
  assert.deepEqual(table.candidates(1), [1])
  assert.throws(() => table.beginFill(1), ContractBroken)
})

test('a filled table takes no more memory than one that grew, even if another number of rows was announced', () => {
  const bitsOf = (at: number): number => Math.imul(at, 0x9e3779b1) >>> 6
  const grown = new RowTable()
  for (let at = 1; at <= 50_000; at += 1) grown.add(bitsOf(at), at)
  for (const announced of [0, 50_000, 500_000]) {
    const table = new RowTable()
    table.beginFill(announced)
    // Pages overlap: an entry that comes twice is there once.
    for (let at = 1; at <= 50_000; at += 1) table.add(bitsOf(at), at)
    for (let at = 1; at <= 50_000; at += 1) table.add(bitsOf(at), at)
    table.endFill()
    assert.equal(table.size, 50_000)
    assert.ok(table.bytes <= grown.bytes * 1.1, `${table.bytes} bytes after ${announced}`)
  }
})
