import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sha256 } from '@rescind/core/bytes'
import { CHAIN_START, type ChainedLogRow, chainAfter } from '@rescind/core/log'
import fc from 'fast-check'
import { NOW_MS, revoking, rowOf, tokenTarget } from '../../test/kit/samples.ts'
import { type KnownCheckpoint, LogCheck, type LogFault } from './log-check.ts'

const ROWS_MAX = 12

/** Chained as a store chains them, whatever the rows say. */
function chained(rows: readonly Omit<ChainedLogRow, 'chain'>[]): ChainedLogRow[] {
  let chain: Buffer = CHAIN_START
  return rows.map((row) => {
    chain = chainAfter(chain, row)
    return { ...row, chain }
  })
}

function logOf(count: number): ChainedLogRow[] {
  const rows = Array.from({ length: count }, (_, at) => {
    const audit = JSON.stringify({ by: `caller ${at}` })
    return {
      ...rowOf(at + 1, revoking(tokenTarget(at)), NOW_MS + at),
      audit,
      auditHash: sha256(Buffer.from(audit)),
    }
  })
  return chained(rows)
}

function faultOf(
  rows: readonly ChainedLogRow[],
  known: readonly KnownCheckpoint[] = [],
): LogFault | undefined {
  const check = new LogCheck(known)
  for (const row of rows) {
    const fault = check.accept(row)
    if (fault !== undefined) return fault
  }
  return check.end()
}

const checkpointOf = ({ seq, chain }: ChainedLogRow): KnownCheckpoint => ({
  seq,
  chain: Buffer.from(chain).toString('base64url'),
})

test('a log as it was written passes, with and without its audit texts', () => {
  const rows = logOf(ROWS_MAX)
  assert.equal(faultOf([]), undefined)
  assert.equal(faultOf(rows, rows.map(checkpointOf)), undefined)
  const expired = rows.map(({ audit: _audit, ...row }) => row)
  assert.equal(faultOf(expired, rows.map(checkpointOf)), undefined)
})

test('a row that is removed, doubled, swapped or altered anywhere is found where it stands', () => {
  const places = fc.tuple(fc.integer({ min: 2, max: ROWS_MAX }), fc.integer({ min: 0, max: ROWS_MAX - 2 }))
  const property = fc.property(places, ([count, nth]) => {
    const at = nth % (count - 1)
    const rows = logOf(count)
    const row = rows[at] as ChainedLogRow
    const seq = at + 1
    assert.deepEqual(faultOf(rows.toSpliced(at, 1)), { seq, what: 'missing' })
    assert.deepEqual(faultOf(rows.toSpliced(at, 0, row)), { seq, what: 'doubled' })
    assert.deepEqual(faultOf(rows.toSpliced(at, 2, rows[at + 1] as ChainedLogRow, row)), {
      seq,
      what: 'missing',
    })
    const altered: readonly Partial<ChainedLogRow>[] = [
      { atMs: row.atMs + 1 },
      { kind: row.kind + 1 },
      { rule: Buffer.concat([row.rule, Buffer.of(0)]) },
      { chain: Buffer.alloc(32) },
      { audit: '{"by":"nobody"}', auditHash: sha256(Buffer.from('{"by":"nobody"}')) },
    ]
    for (const change of altered) {
      assert.deepEqual(faultOf(rows.with(at, { ...row, ...change })), { seq, what: 'altered' })
    }
    const text = { ...row, audit: '{"by":"nobody"}' }
    assert.deepEqual(faultOf(rows.with(at, text)), { seq, what: 'audit-altered' })
  })
  fc.assert(property, { numRuns: 200 })
})

test('a known checkpoint reveals a log that was cut off or chained again', () => {
  const rows = logOf(6)
  const known = [checkpointOf(rows[4] as ChainedLogRow)]
  assert.equal(faultOf(rows, known), undefined)
  assert.deepEqual(faultOf(rows.slice(0, 4), known), { seq: 5, what: 'not-the-log' })
  const forged = chained(rows.map((row) => (row.seq === 2 ? { ...row, atMs: 1 } : row)))
  assert.equal(faultOf(forged), undefined, 'by itself it looks right')
  assert.deepEqual(faultOf(forged, known), { seq: 5, what: 'not-the-log' })
})

test('a log may be checked from any row on, by the chain value before it', () => {
  const rows = logOf(6)
  const anchor = rows[2] as ChainedLogRow
  const check = new LogCheck([], anchor)
  for (const row of rows.slice(3)) assert.equal(check.accept(row), undefined)
  assert.deepEqual([check.seq, check.chain], [6, checkpointOf(rows[5] as ChainedLogRow).chain])
  assert.deepEqual(new LogCheck([], anchor).accept(rows[4] as ChainedLogRow), { seq: 4, what: 'missing' })
})
