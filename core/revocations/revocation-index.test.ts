import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  DAY_MS,
  DIGEST_KEY,
  factsAt,
  fold,
  indexAt,
  NOW_MS,
  revoking,
  rowOf,
  SOURCE,
  tokenTarget,
} from '../../test/kit/samples.ts'
import { ContractBroken } from '../faults.ts'
import { KEEP_FOREVER_MS } from '../lifetimes.ts'
import type { Rule, Target } from '../log/rules.ts'
import { ORIGIN, position } from '../position.ts'
import { isRevoked } from '../verdict/verdict.ts'
import { SLICES } from './key-table.ts'
import { cutoffCount, RevocationIndex } from './revocation-index.ts'

const NOTHING: Rule = { kind: 'release', id: 'nothing' }
const CLIENT: Target = { kind: 'cut', shape: 'client', principals: { source: SOURCE, client: 'client 1' } }

function epoch(ordinal: number, lostBelow = ORIGIN): Rule {
  return { kind: 'epoch', ordinal, epochId: `epoch ${ordinal}`, lostBelow }
}

function dropAll(index: RevocationIndex): void {
  for (let slice = 0; slice < SLICES; slice += 1) index.dropExpired(slice)
}

test('rows are folded one after the other from 1 on; a gap or a repetition is refused', () => {
  const index = new RevocationIndex(DIGEST_KEY)
  assert.equal(index.head, ORIGIN)
  assert.throws(() => index.fold(rowOf(2, NOTHING)), ContractBroken)
  assert.throws(() => index.fold(rowOf(0, NOTHING)), ContractBroken)
  index.fold(rowOf(1, epoch(1)))
  for (const seq of [0, 1, 3, 100])
    assert.throws(() => index.fold(rowOf(seq, revoking(tokenTarget(1)))), ContractBroken)
  assert.deepEqual([index.seq, index.head], [1, position(1, 1)])
  assert.equal(isRevoked(factsAt(1), index), false)
})

test('an unknown kind of row stops the reader', () => {
  const index = indexAt(1)
  assert.throws(() => index.fold({ ...rowOf(2, NOTHING), kind: 9 }), ContractBroken)
})

test('a new epoch takes the next seq, moves the head to its ordinal, loses what its row names (model §3)', () => {
  const index = indexAt(4)
  fold(index, epoch(2, position(1, 4)))
  assert.deepEqual([index.head, index.epochId, index.lostBelow], [position(2, 5), 'epoch 2', position(1, 4)])
  fold(index, epoch(3, position(1, 2)))
  assert.equal(index.lostBelow, position(1, 4), 'what was lost stays lost')
})

test('folding a cutoff returns the previous one, and nothing for a first one', () => {
  const index = indexAt(4)
  assert.deepEqual(fold(index, revoking(CLIENT, NOW_MS + 5), NOW_MS), {})
  const { previousCutoff } = fold(index, revoking(CLIENT, NOW_MS + 9))
  assert.deepEqual(previousCutoff, {
    plain: position(1, 5),
    plainAtMs: NOW_MS,
    datedBeforeMs: 0,
    dated: ORIGIN,
    authenticatedMs: 0,
    keepUntilMs: NOW_MS + 5,
  })
  assert.equal(cutoffCount(index), 1)
})

test('a cutoff without the names of its shape is a bug, not a cutoff of everything', () => {
  const index = indexAt(4)
  const nameless: Target = {
    kind: 'cut',
    shape: 'subject+client',
    principals: { source: SOURCE, subject: 's' },
  }
  assert.throws(() => fold(index, revoking(nameless)), ContractBroken)
})

test('a change row ends nothing', () => {
  const index = indexAt(4)
  fold(index, { kind: 'change', collection: 'clients', id: 'client 1', version: 2 })
  assert.equal(isRevoked(factsAt(1), index), false)
  assert.deepEqual([index.ended.size, index.cutoffs.size, index.holds.size, index.seq], [0, 0, 0, 5])
})

test('rules leave the index below the floor, never above it, and those kept for good never', () => {
  const index = indexAt(4)
  fold(index, revoking(tokenTarget(1), NOW_MS + DAY_MS))
  fold(index, revoking(tokenTarget(2), KEEP_FOREVER_MS))
  fold(index, revoking(CLIENT, NOW_MS + DAY_MS))
  fold(index, revoking({ kind: 'cut', shape: 'realm', principals: { source: '' } }, NOW_MS + 9 * DAY_MS))
  index.raiseFloor(NOW_MS + DAY_MS - 1)
  dropAll(index)
  assert.deepEqual([index.ended.size, cutoffCount(index)], [4, 2])
  index.raiseFloor(NOW_MS + 2 * DAY_MS)
  dropAll(index)
  assert.deepEqual([index.ended.size, cutoffCount(index), index.cutoffs.has('client')], [2, 1, false])
  index.raiseFloor(NOW_MS + 4_000 * DAY_MS)
  dropAll(index)
  assert.deepEqual([index.ended.size, cutoffCount(index)], [2, 0])
  assert.equal(isRevoked(factsAt(2), index), true)
})
