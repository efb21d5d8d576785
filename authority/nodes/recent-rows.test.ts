import assert from 'node:assert/strict'
import { test } from 'node:test'
import { realmOrdinal } from '@rescind/core'
import { RecentRows } from './recent-rows.ts'

const [ONE, TWO] = [realmOrdinal(1), realmOrdinal(2)]
const row = (seq: number) => ({
  ...{ seq, atMs: seq, kind: 1, rule: Buffer.alloc(50), audit: '' },
  ...{ auditHash: Buffer.alloc(32), chain: Buffer.alloc(32, seq % 256) },
})
const seqsAfter = (rows: RecentRows, realm: typeof ONE, seq: number) =>
  rows.after(realm, seq).map((one) => one.seq)

test('the rows of a realm after a known one are remembered in order', () => {
  const rows = new RecentRows()
  for (const seq of [1, 2, 3]) {
    rows.add(ONE, row(seq))
    rows.add(TWO, row(seq + 10))
  }
  assert.deepEqual(seqsAfter(rows, ONE, 1), [2, 3])
  assert.deepEqual(seqsAfter(rows, TWO, 0), [11, 12, 13])
  assert.deepEqual(seqsAfter(rows, ONE, 3), [])
})

test('the first rows leave when there is no more room', () => {
  const rows = new RecentRows(1_000)
  for (let seq = 1; seq <= 4; seq += 1) rows.add(ONE, row(seq))
  assert.deepEqual(seqsAfter(rows, ONE, 0), [1, 2, 3, 4])
  rows.add(ONE, row(5))
  assert.deepEqual(seqsAfter(rows, ONE, 0), [2, 3, 4, 5])
  for (let seq = 6; seq <= 10_000; seq += 1) rows.add(TWO, row(seq))
  assert.deepEqual(seqsAfter(rows, ONE, 0), [])
  assert.deepEqual(seqsAfter(rows, TWO, 0), [9_997, 9_998, 9_999, 10_000])
})
