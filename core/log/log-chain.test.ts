import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { CHAIN_START, type ChainedRow, chainAfter } from './log-chain.ts'

const ROW: ChainedRow = {
  seq: 1,
  atMs: 1_772_366_400_000,
  kind: 1,
  rule: Buffer.from('rule'),
  auditHash: createHash('sha256').update('audit').digest(),
}

test('the chain is the hash that model §3.1 spells out, and never changes', () => {
  const expected = createHash('sha256')
    .update(Buffer.alloc(32))
    .update(Buffer.from('0000000000000001', 'hex'))
    .update(Buffer.from('0000019ca9450a00', 'hex'))
    .update(Buffer.from('01', 'hex'))
    .update(createHash('sha256').update('rule').digest())
    .update(createHash('sha256').update('audit').digest())
    .digest('hex')
  assert.equal(Number.parseInt('019ca9450a00', 16), ROW.atMs)
  assert.equal(chainAfter(CHAIN_START, ROW).toString('hex'), expected)
  assert.equal(expected, 'c7cc36fc7d7c1cb860fb3a3fb6d65a7e4151c5ff15f19a68dd339904d8739fb1')
})

test('the chain before the first row is 32 zero bytes', () => {
  assert.equal(CHAIN_START.toString('hex'), '00'.repeat(32))
})

test('the chain covers every part of a row and all rows before it', () => {
  const others: readonly ChainedRow[] = [
    { ...ROW, seq: 2 },
    { ...ROW, atMs: ROW.atMs + 1 },
    { ...ROW, kind: 2 },
    { ...ROW, rule: Buffer.from('Rule') },
    { ...ROW, rule: Buffer.alloc(0) },
    { ...ROW, auditHash: createHash('sha256').update('Audit').digest() },
  ]
  const chains = [ROW, ...others].flatMap((row) => [
    chainAfter(CHAIN_START, row),
    chainAfter(chainAfter(CHAIN_START, ROW), row),
  ])
  assert.equal(new Set(chains.map((chain) => chain.toString('hex'))).size, chains.length)
})

test('times and seqs are exact up to the highest possible one', () => {
  const last = { ...ROW, seq: 2 ** 40 - 1, atMs: 253_402_300_799_999 }
  const before = { ...last, seq: last.seq - 1 }
  const earlier = { ...last, atMs: last.atMs - 1 }
  const chains = [last, before, earlier].map((row) => chainAfter(CHAIN_START, row).toString('hex'))
  assert.equal(new Set(chains).size, 3)
})
