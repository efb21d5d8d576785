import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DIGEST_KEY, digestAt, grantAt, handleAt, NOW_MS } from '../../test/kit/samples.ts'
import { keysOfExact } from '../log/index-keys.ts'
import type { CutoffShape, ExactTarget, Target } from '../log/rules.ts'
import { position } from '../position.ts'
import type { Principals } from '../records.ts'
import { HoldTable } from './hold-table.ts'

const AT = position(1, 5)
const BEFORE = position(1, 4)
const OF: Principals = { source: 'oauth', subject: 's', client: 'c', tenant: 't' }

function cutoff(shape: CutoffShape, principals: Principals = OF, issuedBeforeMs?: number): Target {
  return issuedBeforeMs === undefined
    ? { kind: 'cut', shape, principals }
    : { kind: 'cut', shape, principals, issuedBeforeMs }
}

function holding(...holds: readonly (readonly [id: string, target: Target])[]): HoldTable {
  const table = new HoldTable(DIGEST_KEY)
  for (const [id, target] of holds) table.place(id, target, AT)
  return table
}

const holds = (table: HoldTable, of = OF, at = BEFORE): boolean => table.holdsIssued(of, at, NOW_MS)

test('overlapping holds on one target end one by one: the last release frees it', () => {
  const table = holding(['a', cutoff('client')], ['b', cutoff('client')], ['c', cutoff('subject')])
  assert.equal(table.size, 3)
  table.lift('a')
  assert.equal(holds(table), true)
  table.lift('c')
  assert.equal(holds(table), true)
  table.lift('b')
  assert.equal(holds(table), false)
  assert.equal(table.size, 0)
})

test('overlapping holds on one exact target end one by one, too', () => {
  const exact: readonly ExactTarget[] = [
    { kind: 'token', source: 'oauth', digest: digestAt(1), handle: handleAt(1) },
    { kind: 'foreign', issuer: 'i', jti: 'j' },
    { kind: 'grant', source: 'oauth', grant: grantAt(1) },
    { kind: 'session', source: 'oauth', session: 's' },
    { kind: 'key', keyId: 'k' },
  ]
  for (const target of exact) {
    const keys = keysOfExact(DIGEST_KEY, target)
    const table = holding(['a', target], ['b', target])
    table.lift('a')
    assert.ok(
      keys.every((key) => table.holdsExact(key)),
      target.kind,
    )
    table.lift('b')
    assert.ok(!keys.some((key) => table.holdsExact(key)), target.kind)
  }
})

test('lifting an unknown id changes nothing', () => {
  const table = holding(['a', cutoff('client')])
  table.lift('b')
  table.lift('')
  assert.equal(holds(table), true)
})

test('a hold that exists is not moved to another target or position', () => {
  const table = holding(['a', cutoff('client')])
  table.place('a', cutoff('subject'), position(9, 9))
  assert.equal(holds(table, { source: 'oauth', subject: 's' }), false)
  assert.equal(holds(table, OF, position(1, 5)), false)
  table.lift('a')
  assert.equal(table.size, 0)
})

test('a hold over principals covers what was issued before it, not at or after it', () => {
  const table = holding(['a', cutoff('tenant')])
  assert.equal(holds(table, OF, BEFORE), true)
  assert.equal(holds(table, OF, AT), false)
  assert.equal(holds(table, OF, position(1, 6)), false)
})

test('a dated hold covers what was issued before its instant, and lets new tokens be minted', () => {
  const table = holding(['a', cutoff('client', OF, NOW_MS)])
  assert.equal(table.holdsIssued(OF, BEFORE, NOW_MS - 1), true)
  assert.equal(table.holdsIssued(OF, BEFORE, NOW_MS), false)
  assert.equal(table.holdsIssued(OF, AT, NOW_MS - 1), false)
  assert.equal(table.holdsMinting(OF), false)
  table.place('b', cutoff('client'), AT)
  assert.equal(table.holdsMinting(OF), true)
})

test('a hold of each shape forbids minting for the principals it names, and for no others', () => {
  const strangers: readonly (readonly [CutoffShape, Principals])[] = [
    ['source', { ...OF, source: 'chat/acme' }],
    ['tenant', { ...OF, tenant: 'u' }],
    ['subject', { ...OF, subject: 'u' }],
    ['client', { ...OF, client: 'u' }],
    ['subject+client', { ...OF, client: 'u' }],
    ['subject+tenant', { ...OF, tenant: 'u' }],
    ['tenant+client', { ...OF, tenant: 'u' }],
    ['subject', { source: 'oauth', client: 'c', tenant: 't' }],
    ['subject', { ...OF, source: 'identity' }],
  ]
  for (const [shape, stranger] of strangers) {
    const table = holding(['a', cutoff(shape)])
    assert.deepEqual([table.holdsMinting(OF), table.holdsMinting(stranger)], [true, false], shape)
    assert.deepEqual([holds(table, OF), holds(table, stranger)], [true, false], shape)
  }
  assert.equal(holding(['a', cutoff('realm')]).holdsMinting({ source: 'anything' }), true)
})

test('a hold on an exact target forbids no minting', () => {
  const table = holding(['a', { kind: 'grant', source: 'oauth', grant: grantAt(1) }])
  assert.equal(table.holdsMinting(OF), false)
  assert.equal(holds(table), false)
})
