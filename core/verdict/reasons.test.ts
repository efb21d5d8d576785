import assert from 'node:assert/strict'
import { test } from 'node:test'
import { INACTIVE_WHYS, type InactiveWhy, isByRule, isInactiveWhy, isOver, UNKNOWN_WHYS } from './reasons.ts'

test('[H8] every reason has its row, and the compiler refuses a table that lacks one', () => {
  // @ts-expect-error a table of all reasons that lacks most of them
  const incomplete: Readonly<Record<InactiveWhy, boolean>> = { unknown: false }
  assert.ok(INACTIVE_WHYS.length > Object.keys(incomplete).length)
  assert.deepEqual([...INACTIVE_WHYS].sort(), [
    ...[
      'consumed',
      'expired',
      'held',
      'lost',
      'malformed',
      'not_access',
      'not_yet_valid',
      'revoked',
      'rotated',
      'unknown',
    ],
  ])
})

test('[H8] a reason outside the table is neither final nor by a rule', () => {
  for (const why of ['quarantined', 'constructor', '__proto__', 'toString', '', ...UNKNOWN_WHYS]) {
    assert.equal(isInactiveWhy(why), false, why)
    assert.equal(isOver({ kind: 'inactive', why }), false, why)
    assert.equal(isByRule({ kind: 'inactive', why }), false, why)
  }
  for (const kind of ['active', 'unknown']) assert.equal(isOver({ kind, why: 'revoked' }), false)
})

test('a held token and one not yet valid are not over for good; a revoked, lost or used one is', () => {
  const over = INACTIVE_WHYS.filter((why) => isOver({ kind: 'inactive', why }))
  assert.deepEqual(over, ['malformed', 'expired', 'revoked', 'rotated', 'consumed', 'lost'])
  assert.deepEqual(
    INACTIVE_WHYS.filter((why) => isByRule({ kind: 'inactive', why })),
    ['revoked', 'held', 'lost'],
  )
})
