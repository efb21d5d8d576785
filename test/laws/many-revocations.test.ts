import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decodeSnapshot, encodeSnapshot, judge, KEEP_FOREVER_MS, type RevocationIndex } from '@rescind/core'
import { checkpointText } from '@rescind/core/log'
import { RECORDS_CACHED_MAX } from '../../authority/realm/record-cache.ts'
import { DIGEST_KEY, factsAt, indexAt, NOW_MS, revoking, rowOf, tokenTarget } from '../kit/samples.ts'

const OLDEST = 10
const MANY = 2 * RECORDS_CACHED_MAX

function cpuMs(act: () => void): number {
  let best = Number.POSITIVE_INFINITY
  for (let round = 0; round < 5; round += 1) {
    const start = process.cpuUsage().user
    act()
    best = Math.min(best, process.cpuUsage().user - start)
  }
  return best / 1_000
}

/** What a read path asks of the index for a live token. */
function readMany(index: RevocationIndex): void {
  for (let nth = 0; nth < 20_000; nth += 1) {
    const verdict = judge({ facts: FACTS, index, nowMs: NOW_MS, lag: 'fresh' })
    assert.equal(verdict.kind, 'active')
  }
}
const FACTS = factsAt(-1)

test('[F19] [P01] twice as many revocations as a cache holds evict none, and slow down nobody else', () => {
  const index = indexAt(2)
  for (let nth = 0; nth < OLDEST; nth += 1)
    index.fold(rowOf(index.seq + 1, revoking(tokenTarget(nth), KEEP_FOREVER_MS)))
  const few = cpuMs(() => readMany(index))
  // One caller issues and revokes in a loop.
  for (let nth = OLDEST; nth < MANY; nth += 1)
    index.fold(rowOf(index.seq + 1, revoking(tokenTarget(nth), NOW_MS + 1)))
  const many = cpuMs(() => readMany(index))
  assert.ok(many < 5 * few + 20, `${many} ms with ${MANY} revocations, ${few} ms with ${OLDEST}`)
  const isRevoked = (nth: number, of: RevocationIndex): boolean => {
    const verdict = judge({
      facts: factsAt(nth, { expiresAtMs: 9e15 }),
      index: of,
      nowMs: NOW_MS,
      lag: 'fresh',
    })
    return verdict.kind === 'inactive' && verdict.why === 'revoked'
  }
  for (const nth of [0, 1, OLDEST - 1, OLDEST, MANY / 2, MANY - 1])
    assert.ok(isRevoked(nth, index), String(nth))
  assert.equal(index.ended.size, 2 * MANY)
  // Entries that can cover nothing any more are dropped, so the loop leaves nothing behind; others stay.
  index.raiseFloor(NOW_MS + 86_400_000)
  for (let slice = 0; slice < 64; slice += 1) index.dropExpired(slice)
  for (let nth = 0; nth < OLDEST; nth += 1) assert.ok(isRevoked(nth, index), String(nth))
  assert.equal(index.ended.size, 2 * OLDEST)
  const checkpoint = { ordinal: 1, epochId: index.epochId, seq: index.seq, chain: 'c'.repeat(43) }
  const restarted = decodeSnapshot(
    encodeSnapshot(index, checkpointText(checkpoint, Buffer.alloc(32))),
    DIGEST_KEY,
  )
  assert.ok(restarted)
  for (let nth = 0; nth < OLDEST; nth += 1) assert.ok(isRevoked(nth, restarted.index), String(nth))
})
