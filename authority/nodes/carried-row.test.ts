import assert from 'node:assert/strict'
import { test } from 'node:test'
import { position } from '@rescind/core'
import { type ChainedLogRow, decodeRule, encodeRule, type Rule, traitsOf } from '@rescind/core/log'
import { carriedRow } from './carried-row.ts'

const AT_MS = 1_772_366_400_000
const ORDINAL = 3
const SEQ = 7
const CUTOFF = { kind: 'cut', shape: 'client', principals: { source: 'oauth', client: 'c' } } as const

function rowOf(rule: Rule, audit?: string): ChainedLogRow {
  const bytes = encodeRule(rule, 'key')
  const row = { seq: SEQ, atMs: AT_MS, kind: traitsOf(rule).code, rule: bytes, auditHash: Buffer.alloc(32) }
  return { ...row, chain: Buffer.alloc(32, 1), ...(audit === undefined ? {} : { audit }) }
}

function carried(rule: Rule): Rule | undefined {
  const row = carriedRow(rowOf(rule, '{}'), ORDINAL)
  return row === undefined ? undefined : decodeRule(row)
}

test('a cutoff that is appended again keeps its own position, time and keep', () => {
  const rule = { kind: 'revoke', target: CUTOFF, keepUntilMs: AT_MS + 1 } as const
  const asOf = { at: position(ORDINAL, SEQ), atMs: AT_MS }
  assert.deepEqual(carried(rule), { ...rule, target: { ...CUTOFF, asOf } })
  const turned = { ...rule, target: { ...CUTOFF, asOf: { at: position(1, 2), atMs: 5 } } }
  assert.deepEqual(carried(turned), turned)
})

test('exact revocations, holds and releases are appended as they were', () => {
  for (const rule of [
    { kind: 'revoke', target: { kind: 'foreign', issuer: 'https://i', jti: 'j' }, keepUntilMs: 9e12 },
    { kind: 'hold', id: 'h', target: CUTOFF },
    { kind: 'release', id: 'h' },
  ] as const)
    assert.deepEqual(carried(rule), rule)
})

test('changes of records and epochs are not appended again', () => {
  assert.equal(carried({ kind: 'change', collection: 'c', id: 'i', version: 2 }), undefined)
  const epoch = { kind: 'epoch', ordinal: 4, epochId: 'e', lostBelow: position(4, SEQ) } as const
  assert.equal(carried(epoch), undefined)
})

test('a row whose audit is not known says that a takeover appended it', () => {
  const row = carriedRow(rowOf({ kind: 'release', id: 'h' }), ORDINAL)
  assert.match(row?.audit ?? '', /"how":"store\.takeover"/)
})
