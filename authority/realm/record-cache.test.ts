import assert from 'node:assert/strict'
import { test } from 'node:test'
import { position, type TokenRecord } from '@rescind/core'
import type { TokenKind } from '@rescind/core/tokens'
import { digestAt, factsAt, grantAt, handleAt, NOW_MS } from '../../test/kit/samples.ts'
import { RECORDS_CACHED_MAX, RecordCache } from './record-cache.ts'

function recordAt(number: number, kind: TokenKind = 'access'): TokenRecord {
  return {
    ...factsAt(number),
    digest: digestAt(number),
    handle: handleAt(number),
    grant: grantAt(number),
    position: position(1, 1),
    issuedAtMs: NOW_MS,
    kind,
  }
}

test('a record that was filled is found until it is dropped', () => {
  const cache = new RecordCache()
  assert.equal(cache.get(digestAt(1)), undefined)
  cache.fill(recordAt(1), cache.changes)
  assert.deepEqual(cache.get(digestAt(1)), recordAt(1))
  cache.drop(digestAt(1))
  assert.equal(cache.get(digestAt(1)), undefined)
})

test('[F04] a fill whose read began before a change is dropped (model §6.4)', () => {
  const cache = new RecordCache()
  const before = cache.changes
  cache.drop(digestAt(1))
  cache.fill(recordAt(1), before)
  assert.equal(cache.get(digestAt(1)), undefined)
  cache.fill(recordAt(1), cache.changes)
  assert.deepEqual(cache.get(digestAt(1)), recordAt(1))
})

test('single-use tokens are never cached, all other kinds are (model §6.4)', () => {
  const cache = new RecordCache()
  cache.fill(recordAt(1, 'refresh'), cache.changes)
  assert.equal(cache.get(digestAt(1)), undefined)
  for (const [number, kind] of (['access', 'identity', 'chat', 'assigned'] as const).entries()) {
    cache.fill(recordAt(number, kind), cache.changes)
    assert.equal(cache.get(digestAt(number))?.kind, kind)
  }
})

test('where other processes write, assigned texts are never cached: an extension writes no row', () => {
  const cache = new RecordCache(true)
  for (const [number, kind] of (['access', 'assigned'] as const).entries())
    cache.fill(recordAt(number, kind), cache.changes)
  assert.equal(cache.get(digestAt(0))?.kind, 'access')
  assert.equal(cache.get(digestAt(1)), undefined)
})

test('it never holds more than its bound, and keeps records that are used', () => {
  const cache = new RecordCache()
  let most = 0
  const last = 2 * RECORDS_CACHED_MAX
  for (let number = 1; number <= last; number += 1) {
    cache.fill(recordAt(number), cache.changes)
    assert.notEqual(cache.get(digestAt(1)), undefined)
    most = Math.max(most, cache.size)
  }
  assert.ok(most <= RECORDS_CACHED_MAX && most > RECORDS_CACHED_MAX * 0.9, `${most} records`)
  assert.notEqual(cache.get(digestAt(last)), undefined)
  let early = 0
  for (let number = 2; number <= 1_001; number += 1)
    early += cache.get(digestAt(number)) === undefined ? 0 : 1
  assert.ok(early < 200, `${early} of the first thousand are still there`)
})

test('it holds half its bound with few losses, and each record can be dropped', () => {
  const cache = new RecordCache()
  const count = RECORDS_CACHED_MAX / 2
  for (let number = 0; number < count; number += 1) cache.fill(recordAt(number), cache.changes)
  let found = 0
  for (let number = 0; number < count; number += 1) {
    const record = cache.get(digestAt(number))
    if (record !== undefined) assert.equal(record.digest, digestAt(number))
    found += record === undefined ? 0 : 1
    cache.drop(digestAt(number))
    assert.equal(cache.get(digestAt(number)), undefined)
  }
  assert.ok(found > count * 0.9, `${found} of ${count}`)
  assert.equal(cache.size, 0)
})

test('a record that is filled again is held once, as it was filled last', () => {
  const cache = new RecordCache()
  cache.fill(recordAt(1), cache.changes)
  cache.fill({ ...recordAt(1), scope: 'newer' }, cache.changes)
  assert.equal(cache.get(digestAt(1))?.scope, 'newer')
  assert.equal(cache.size, 1)
  cache.drop(digestAt(1))
  assert.equal(cache.get(digestAt(1)), undefined)
})

test('[W104] it grows as it is filled, and loses nothing by growing', () => {
  const cache = new RecordCache()
  const held = new Set<number>()
  for (let number = 0; number < 4_000; number += 1) {
    cache.fill(recordAt(number), cache.changes)
    held.add(number)
    // Only records replaced by another one are gone.
    if (cache.size < held.size)
      for (const one of held) if (cache.get(digestAt(one)) === undefined) held.delete(one)
    assert.equal(cache.size, held.size)
  }
  assert.ok(held.size > 3_900, `${held.size} of 4,000`)
})
