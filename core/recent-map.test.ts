import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { RecentMap } from './recent-map.ts'

test('the last used entry is kept, and never more entries than the bound', () => {
  const keys = fc.array(fc.nat(12), { maxLength: 60 })
  const property = fc.property(fc.integer({ min: 2, max: 8 }), keys, (max, used) => {
    const map = new RecentMap<number, number>(max)
    for (const key of used) if (map.get(key) === undefined) map.set(key, -key)
    assert.ok(map.size <= max)
    for (const key of used.slice(-1)) assert.equal(map.get(key), -key)
  })
  fc.assert(property, { seed: 20_261_130 })
})

test('an entry that is asked for again outlives those that are not', () => {
  const map = new RecentMap<string, number>(4)
  map.set('kept', 1)
  for (const key of ['a', 'b', 'c', 'd', 'e', 'f']) {
    map.set(key, 0)
    assert.equal(map.get('kept'), 1, key)
  }
  assert.equal(map.get('a'), undefined)
})

test('what is deleted is gone from both halves', () => {
  const map = new RecentMap<string, number>(4)
  map.set('a', 1)
  map.set('b', 2)
  map.set('c', 1)
  map.deleteWhere((value) => value === 1)
  map.delete('b')
  assert.deepEqual([map.get('a'), map.get('b'), map.get('c'), map.size], [undefined, undefined, undefined, 0])
})
