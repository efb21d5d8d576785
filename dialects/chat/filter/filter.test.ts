import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Json } from '../../wire/strict-json.ts'
import { FILTER_DEPTH_MAX, FILTER_MAX_BYTES, FILTER_NODES_MAX, parseFilter } from './parse.ts'
import { matches, parsePattern } from './pattern.ts'
import { runOf } from './run.ts'

const ANN: Json = {
  _id: 'ann',
  nickname: 'Ann B.',
  age: 30,
  isRobot: false,
  mute: [],
  tags: ['red', 'blue'],
  address: { city: 'Oslo', port: 80 },
  none: null,
}

function fits(filter: unknown, object: Json = ANN): boolean | undefined {
  const parsed = parseFilter(typeof filter === 'string' ? filter : JSON.stringify(filter))
  assert.ok(parsed !== undefined, `not a filter: ${JSON.stringify(filter)}`)
  return runOf(parsed).fits(object)
}

test('each operator selects the matching clients', () => {
  const yes: unknown[] = [
    {},
    { _id: 'ann' },
    { nickname: 'Ann B.', age: 30 },
    { age: { $eq: 30 } },
    { age: { $ne: 31 } },
    { missing: { $ne: 'x' } },
    { age: { $gt: 29, $lt: 31 } },
    { age: { $gte: 30, $lte: 30 } },
    { nickname: { $gt: 'A', $lt: 'B' } },
    { _id: { $in: ['bob', 'ann'] } },
    { _id: { $nin: ['bob'] } },
    { nickname: { $exists: true } },
    { missing: { $exists: false } },
    { missing: null },
    { none: null },
    { tags: 'red' },
    { tags: { $in: ['blue'] } },
    { 'address.city': 'Oslo' },
    { $or: [{ _id: 'bob' }, { age: 30 }] },
    { $and: [{ _id: 'ann' }, { $nor: [{ age: 31 }] }] },
    { age: { $not: { $gt: 30 } } },
    { nickname: { $regex: '^Ann' } },
    { nickname: { $regex: 'ann', $options: 'i' } },
    { nickname: { $regex: 'b\\.$', $options: 'i' } },
  ]
  for (const filter of yes) assert.equal(fits(filter), true, JSON.stringify(filter))
  const no: unknown[] = [
    { _id: 'Ann' },
    { age: '30' },
    { age: { $gt: '29' } },
    { age: { $lt: 30 } },
    { missing: { $lt: 5 } },
    { none: { $lte: 0 } },
    { _id: { $in: [] } },
    { tags: { $nin: ['red'] } },
    { nickname: { $exists: false } },
    { $or: [{ _id: 'bob' }, { age: 31 }] },
    { $nor: [{ _id: 'ann' }] },
    { age: { $regex: '3' } },
    { nickname: { $regex: 'ann' } },
    { 'address.city.length': 4 },
    { constructor: { $exists: true } },
    { toString: { $exists: true } },
    { tags: { $not: { $in: ['red'] } } },
  ]
  for (const filter of no) assert.equal(fits(filter), false, JSON.stringify(filter))
})

test('unsupported operators are refused, not ignored', () => {
  const broken = [
    ...['', 'x', '[]', 'null', '"a"', '1', '{', '{"a":1,"a":2}', '{"a":1}x', "{'a':1}", '{"__proto__":1}'],
    ...[
      '{"$where":"sleep(1)"}',
      '{"a":{"$where":"1"}}',
      '{"$expr":{}}',
      '{"a":{"$function":{}}}',
      '{"$text":{}}',
    ],
    ...[
      '{"a":{"$gt":1,"b":2}}',
      '{"a":{"b":1}}',
      '{"a":{}}',
      '{"a":[1]}',
      '{"a":{"$in":1}}',
      '{"a":{"$in":[[1]]}}',
    ],
    ...[
      '{"a":{"$eq":{}}}',
      '{"a":{"$gt":null}}',
      '{"a":{"$gt":true}}',
      '{"a":{"$exists":1}}',
      '{"a":{"$not":1}}',
    ],
    ...[
      '{"$and":[]}',
      '{"$and":{}}',
      '{"$or":[1]}',
      '{"$or":[{"$where":""}]}',
      '{"":1}',
      '{"a.":1}',
      '{"a b":1}',
    ],
    ...[
      '{"a.b.c.d.e":1}',
      '{"a.__proto__.b":1}',
      '{"a":{"$regex":1}}',
      '{"a":{"$options":"i"}}',
      '{"$comment":""}',
    ],
    ...['{"a":{"$regex":"a","$options":"x"}}', '{"a":{"$regex":"(a+)+$"}}', '{"a":{"$regex":"a|b"}}'],
    ...['{"a":{"$regex":"[a]"}}', '{"a":{"$regex":"a*"}}', '{"a":{"$regex":"\\\\d"}}', '{"a":{"$size":1}}'],
  ]
  for (const text of broken) assert.equal(parseFilter(text), undefined, text)
})

test('size, depth and number of conditions are accepted at their bounds and refused beyond', () => {
  const sized = (bytes: number): string => JSON.stringify({ a: 'x'.repeat(bytes - 8) })
  assert.equal(Buffer.byteLength(sized(FILTER_MAX_BYTES)), FILTER_MAX_BYTES)
  assert.ok(parseFilter(sized(FILTER_MAX_BYTES)) !== undefined)
  assert.equal(parseFilter(sized(FILTER_MAX_BYTES + 1)), undefined)
  const deep = (levels: number): string => '{"$and":['.repeat(levels) + '{}' + ']}'.repeat(levels)
  assert.ok(parseFilter(deep(FILTER_DEPTH_MAX)) !== undefined)
  assert.equal(parseFilter(deep(FILTER_DEPTH_MAX + 1)), undefined)
  const nots = (levels: number): string => `{"a":${'{"$not":'.repeat(levels)}{"$eq":1}${'}'.repeat(levels)}}`
  assert.ok(parseFilter(nots(FILTER_DEPTH_MAX - 1)) !== undefined)
  assert.equal(parseFilter(nots(FILTER_DEPTH_MAX)), undefined)
  const wide = (items: number): string =>
    JSON.stringify({ a: { $in: Array.from({ length: items }, () => 1) } })
  assert.ok(parseFilter(wide(FILTER_NODES_MAX - 2)) !== undefined)
  assert.equal(parseFilter(wide(FILTER_NODES_MAX - 1)), undefined)
})

test('the work of a filter over many objects is bounded, and beyond the bound there is no answer', () => {
  const filter = parseFilter('{"a":{"$regex":"aaaab"}}')
  assert.ok(filter !== undefined)
  const run = runOf(filter, 1_000)
  assert.equal(run.fits({ a: 'a'.repeat(99) }), false)
  assert.equal(run.fits({ a: 'a'.repeat(99) }), false)
  assert.equal(run.fits({ a: 'a'.repeat(99) }), undefined)
  assert.equal(run.fits({}), undefined)
})

test('a pattern matches as the same regular expression does', () => {
  const part = fc.constantFrom('a', 'b', 'A', '.', '.*', '\\.', '\\$', ' ')
  const text = fc.string({ unit: fc.constantFrom('a', 'b', 'A', '.', '$', ' '), maxLength: 12 })
  fc.assert(
    fc.property(
      fc.array(part, { maxLength: 6 }),
      fc.tuple(fc.boolean(), fc.boolean(), fc.boolean()),
      text,
      (parts, [start, end, ignoreCase], given) => {
        const source = `${start ? '^' : ''}${parts.join('')}${end ? '$' : ''}`
        const pattern = parsePattern(source, ignoreCase)
        assert.ok(pattern !== undefined, source)
        assert.equal(matches(pattern, given), new RegExp(source, ignoreCase ? 'is' : 's').test(given), source)
      },
    ),
    { numRuns: 3_000 },
  )
})

test('a pattern of 128 characters is accepted, one of 129 is not', () => {
  assert.ok(parsePattern('a'.repeat(128), false) !== undefined)
  assert.equal(parsePattern('a'.repeat(129), false), undefined)
})
