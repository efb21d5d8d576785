import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { DAY_MS, digestAt, NOW_MS } from '../../test/kit/samples.ts'
import { sha256Latin1 } from '../crypto/digests.ts'
import { ContractBroken } from '../faults.ts'
import { KEEP_FOREVER_MS } from '../lifetimes.ts'
import { digestKeyOf, type IndexKey } from '../log/index-keys.ts'
import { KeyTable, SLICES } from './key-table.ts'

const UNIT_MS = 6 * 3_600_000

/** Keys as the index makes them: the first 16 bytes of a hash. */
function keyAt(number: number, salt = 'key'): IndexKey {
  return keyOf(sha256Latin1(`${salt} ${number}`).slice(0, 16))
}

function keyOf(text: string): IndexKey {
  assert.equal(text.length, 16)
  return text as IndexKey
}

/** A key of four 32-bit words. */
function keyOfWords(...words: readonly number[]): IndexKey {
  const bytes = Buffer.alloc(16)
  for (const [at, word] of words.entries()) bytes.writeUInt32BE(word, at * 4)
  return keyOf(bytes.toString('latin1'))
}

function dropAll(table: KeyTable, floorMs: number): void {
  for (let slice = 0; slice < SLICES; slice += 1) table.dropExpired(floorMs, slice)
}

test('an empty table has nothing and costs nothing', () => {
  const table = new KeyTable()
  assert.equal(table.has(keyAt(1)), false)
  dropAll(table, KEEP_FOREVER_MS)
  assert.deepEqual([table.size, table.bytes], [0, 0])
})

test('200,000 keys are there, 200,000 others are not, and a second time changes no count', () => {
  const table = new KeyTable()
  for (let at = 0; at < 200_000; at += 1) table.add(keyAt(at), NOW_MS)
  for (let at = 0; at < 200_000; at += 1) {
    if (!table.has(keyAt(at))) assert.fail(`lost key ${at}`)
    if (table.has(keyAt(at, 'other'))) assert.fail(`invented key ${at}`)
  }
  for (let at = 0; at < 1_000; at += 1) table.add(keyAt(at), NOW_MS + DAY_MS)
  assert.equal(table.size, 200_000)
})

test('keys that differ in one bit only are two keys, whichever bit it is', () => {
  for (let bit = 0; bit < 128; bit += 1) {
    const table = new KeyTable()
    const bytes = Buffer.from(keyAt(7), 'latin1')
    table.add(keyAt(7), NOW_MS)
    bytes.writeUInt8(bytes.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3)
    const other = keyOf(bytes.toString('latin1'))
    assert.equal(table.has(other), false)
    table.add(other, NOW_MS)
    assert.deepEqual([table.size, table.has(other), table.has(keyAt(7))], [2, true, true])
  }
})

/** Words that collide in one partition, one home and one run, and words at both ends of the range. */
const word = fc.constantFrom(0, 1, 2, 0x3fffff, 0x400000, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff)
const crowded = fc.tuple(word, word, fc.nat(3), fc.constantFrom(0, 0xffffffff))
const keep = fc.constantFrom(
  0,
  NOW_MS - DAY_MS,
  NOW_MS,
  NOW_MS + 1,
  NOW_MS + UNIT_MS,
  NOW_MS + 9 * DAY_MS,
  KEEP_FOREVER_MS,
)

type Step =
  | { readonly kind: 'add' | 'bytes'; readonly words: readonly number[]; readonly keepMs: number }
  | { readonly kind: 'drop'; readonly floorMs: number }

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 9,
    arbitrary: fc.record({ kind: fc.constantFrom('add', 'bytes'), words: crowded, keepMs: keep }),
  },
  fc.record({
    kind: fc.constant('drop'),
    floorMs: fc.constantFrom(
      NOW_MS - 2 * DAY_MS,
      NOW_MS,
      NOW_MS + 1,
      NOW_MS + 3 * UNIT_MS,
      NOW_MS + 20 * DAY_MS,
    ),
  }),
)

test('every history of adds and drops gives what a map gives: it keeps what must be kept and drops the rest', () => {
  const property = fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
    const table = new KeyTable()
    const model = new Map<IndexKey, number>()
    for (const one of steps) play(one, table, model)
    for (const [key, keepMs] of model) if (!table.has(key)) assert.fail(`lost a key kept until ${keepMs}`)
  })
  fc.assert(property, { numRuns: 1_500 })
})

function play(one: Step, table: KeyTable, model: Map<IndexKey, number>): void {
  if (one.kind === 'drop') {
    dropAll(table, one.floorMs)
    for (const [key, keepMs] of model) {
      // Times are rounded up to units of six hours, so a key may stay that much longer, never shorter.
      if (keepMs > one.floorMs) assert.ok(table.has(key), 'a key above the floor was dropped')
      else if (keepMs + UNIT_MS <= one.floorMs) assert.ok(!table.has(key), 'a key below the floor stays')
      if (!table.has(key)) model.delete(key)
    }
    return
  }
  const key = keyOfWords(...one.words)
  if (one.kind === 'add') table.add(key, one.keepMs)
  else table.addBytes(Buffer.from(`xyz${key}tail`, 'latin1'), 3, one.keepMs)
  model.set(key, Math.max(one.keepMs, model.get(key) ?? 0))
  assert.equal(table.has(key), true)
  assert.equal(table.size, model.size)
}

test('a key is kept as long as the longest that it was ever added with', () => {
  const [short, long] = [NOW_MS + DAY_MS, NOW_MS + 30 * DAY_MS]
  for (const keeps of [
    [short, long],
    [long, short],
    [short, long, short],
    [KEEP_FOREVER_MS, short],
  ]) {
    const table = new KeyTable()
    for (const keepMs of keeps) table.add(keyAt(1), keepMs)
    dropAll(table, long - 1)
    assert.equal(table.has(keyAt(1)), true)
    dropAll(table, long + UNIT_MS)
    assert.equal(table.has(keyAt(1)), keeps.includes(KEEP_FOREVER_MS))
  }
})

test('a key that is kept for good outlasts every floor, as does one kept past the reach of the units', () => {
  const table = new KeyTable()
  table.add(keyAt(1), KEEP_FOREVER_MS)
  table.add(keyAt(2), Date.UTC(9999, 11, 31))
  table.add(keyAt(3), Date.UTC(2063, 0, 1))
  dropAll(table, Date.UTC(2064, 0, 1))
  assert.deepEqual(
    [1, 2, 3].map((number) => table.has(keyAt(number))),
    [true, true, false],
  )
  // One expired key in each partition makes the table examine them all.
  for (let at = 0; at < 5_000; at += 1) table.add(keyAt(at, 'short-lived'), NOW_MS)
  dropAll(table, Date.UTC(9998, 0, 1))
  dropAll(table, Date.UTC(9999, 11, 30))
  assert.deepEqual(
    [1, 2].map((number) => table.has(keyAt(number))),
    [true, true],
  )
})

test('20,000 keys with keeps over 400 days: none above the floor is ever gone, and in the end all are', () => {
  const table = new KeyTable()
  const keeps = Array.from(
    { length: 20_000 },
    (_, at) => NOW_MS + ((at * 7_919) % 20_000) * ((400 * DAY_MS) / 20_000),
  )
  for (const [at, keepMs] of keeps.entries()) table.add(keyAt(at), keepMs)
  const full = table.bytes
  for (let day = 0; day <= 400; day += 25) {
    const floorMs = NOW_MS + day * DAY_MS + 12_345
    dropAll(table, floorMs)
    for (const [at, keepMs] of keeps.entries()) {
      if (keepMs > floorMs && !table.has(keyAt(at))) assert.fail(`key ${at} was dropped at day ${day}`)
      if (keepMs + UNIT_MS <= floorMs && table.has(keyAt(at))) assert.fail(`key ${at} stays at day ${day}`)
    }
  }
  assert.equal(table.size, 0)
  assert.ok(table.bytes < full * 0.7, 'what was dropped gives its memory back')
})

test('one slice of a drop touches a part of the table only', () => {
  const table = new KeyTable()
  for (let at = 0; at < 10_000; at += 1) table.add(keyAt(at), NOW_MS)
  table.dropExpired(NOW_MS + DAY_MS, 3)
  const gone = 10_000 - table.size
  assert.ok(gone > 0 && gone < (2 * 10_000) / SLICES, `${gone} went`)
})

test('keys that crowd the end of a partition find room: the table grows and never loops', () => {
  const table = new KeyTable()
  const keys = Array.from({ length: 40 }, (_, at) => keyOfWords(5, 0xffff_ffff - at * 2 ** 21, at, at))
  for (const key of keys) table.add(key, NOW_MS)
  assert.equal(table.size, keys.length)
  assert.ok(keys.every((key) => table.has(key)))
})

test('filling a table gives what adding gives, however many keys were announced', () => {
  for (const announced of [0, 1, 5_000, 50_000]) {
    const table = new KeyTable()
    table.beginFill(announced)
    for (let at = 0; at < 5_000; at += 1) table.add(keyAt(at), NOW_MS)
    table.endFill()
    assert.equal(table.size, 5_000)
    for (let at = 0; at < 5_000; at += 1) {
      if (!table.has(keyAt(at)) || table.has(keyAt(at, 'other'))) assert.fail(`key ${at} after ${announced}`)
    }
    for (let at = 0; at < 5_000; at += 1) table.add(keyAt(at, 'other'), NOW_MS)
    assert.equal(table.size, 10_000)
    dropAll(table, NOW_MS + DAY_MS)
    assert.equal(table.size, 0)
  }
})

const filling = fc.array(fc.record({ words: crowded, keepMs: keep }), { maxLength: 200 })

test('a filled table holds each key once, with the longest keep that it came with', () => {
  const property = fc.property(
    filling,
    fc.nat(400),
    fc.array(step, { maxLength: 20 }),
    (keys, told, steps) => {
      const table = new KeyTable()
      const model = new Map<IndexKey, number>()
      table.beginFill(told)
      for (const { words, keepMs } of keys) {
        const key = keyOfWords(...words)
        table.add(key, keepMs)
        model.set(key, Math.max(keepMs, model.get(key) ?? 0))
      }
      table.endFill()
      assert.equal(table.size, model.size)
      for (const key of model.keys()) if (!table.has(key)) assert.fail('lost a key')
      play({ kind: 'drop', floorMs: NOW_MS }, table, model)
      for (const one of steps) play(one, table, model)
    },
  )
  fc.assert(property, { numRuns: 1_500 })
})

test('a table that is being filled refuses queries instead of looking empty', () => {
  const table = new KeyTable()
  const questions = [
    () => table.size,
    () => table.has(keyAt(1)),
    () => table.hasDigest(digestAt(1)),
    () => table.dropExpired(NOW_MS, 0),
    () => table.visit(0, 1, () => {}),
    () => table.beginFill(1),
  ]
  assert.throws(() => table.endFill(), ContractBroken)
  table.beginFill(1)
  table.add(keyAt(1), NOW_MS)
  for (const ask of questions) assert.throws(ask, ContractBroken)
  table.endFill()
  assert.equal(table.has(keyAt(1)), true)
  assert.throws(() => table.beginFill(1), ContractBroken)
})

test('a filled table takes no more memory than one that grew, even if ten times the keys were announced', () => {
  const grown = new KeyTable()
  for (let at = 0; at < 30_000; at += 1) grown.add(keyAt(at), NOW_MS)
  for (const announced of [1, 30_000, 300_000]) {
    const table = new KeyTable()
    table.beginFill(announced)
    for (let at = 0; at < 30_000; at += 1) table.add(keyAt(at), NOW_MS)
    table.endFill()
    assert.ok(table.bytes <= grown.bytes * 1.1, `${table.bytes} bytes after ${announced}`)
  }
})

test('from 110,000 to 600,000 keys one key costs at most 24 bytes, a revoked token 48 (model §6.1)', () => {
  const table = new KeyTable()
  const keys = Buffer.allocUnsafe(16 * 600_000)
  // A cheap generator: the words must be spread, not unpredictable.
  for (let at = 0, state = 42; at < keys.length; at += 4) {
    state = (Math.imul(state ^ (state >>> 15), 0x2c1b_3c6d) + 0x9e37_79b9) | 0
    keys.writeInt32BE(state ^ (state >>> 13), at)
  }
  let worst = 0
  for (let count = 1; count <= 600_000; count += 1) {
    table.addBytes(keys, (count - 1) * 16, NOW_MS)
    if (count >= 110_000 && count % 2_000 === 0) worst = Math.max(worst, table.bytes / table.size)
  }
  assert.ok(worst <= 24, `${worst.toFixed(2)} bytes a key`)
})

test('a token digest is found by its text as by the key that it is', () => {
  const table = new KeyTable()
  const digests = Array.from({ length: 2_000 }, (_, nth) => digestAt(nth))
  for (const digest of digests.slice(0, 1_000)) table.add(digestKeyOf(digest), KEEP_FOREVER_MS)
  for (const [nth, digest] of digests.entries()) {
    assert.equal(table.hasDigest(digest), nth < 1_000)
    assert.equal(table.hasDigest(digest), table.has(digestKeyOf(digest)))
  }
})
