import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  DAY_MS,
  DIGEST_KEY,
  digestAt,
  factsAt,
  grantAt,
  handleAt,
  NOW_MS,
  revoking,
  rowOf,
  tokenTarget,
} from '../../test/kit/samples.ts'
import { anyRule } from '../../test/laws/arbitraries.ts'
import { ContractBroken } from '../faults.ts'
import { KEEP_FOREVER_MS, LAST_INSTANT_MS } from '../lifetimes.ts'
import { position } from '../position.ts'
import { RevocationIndex } from '../revocations/revocation-index.ts'
import { isRevoked } from '../verdict/verdict.ts'
import { digestKeyOf, handleKeyOf } from './index-keys.ts'
import { ROW_KIND_NAMES, ROW_KINDS, traitsOf } from './row-kinds.ts'
import { decodeRule, encodeRule, isLegacyKeep, keepInBytes, settleKeep, tokenRuleKeys } from './rule-bytes.ts'
import {
  CUTOFF_SHAPES,
  type CutoffShape,
  type CutoffTarget,
  EXACT_CODE,
  type ExactTarget,
  type Rule,
} from './rules.ts'

const CUTOFF_BOTH: Rule = revoking(
  {
    kind: 'cut',
    shape: 'subject+client',
    principals: { source: 'oauth', subject: '77', client: 'svc', tenant: '' },
    issuedBeforeMs: NOW_MS - DAY_MS,
  },
  NOW_MS,
)
const FOREIGN_LOGINS: CutoffTarget = {
  kind: 'cut',
  shape: 'subject',
  principals: { source: 'iss:https:/', subject: 'a' },
}
const HOLD: Rule = {
  kind: 'hold',
  id: 'hld_1',
  target: { kind: 'cut', shape: 'tenant', principals: { source: 'identity', tenant: '9' } },
}

/** One example of each rule with its bytes on disk and in feeds. They never change: a new meaning takes a new version byte. */
const GOLDEN: readonly (readonly [name: string, rule: Rule, hex: string])[] = [
  [
    'revoke a token',
    revoking(tokenTarget(1, 'chat/acme'), NOW_MS + 3_600_000),
    `01 4279ca97bf880000 01 e5c7990e38adf52e1f932c333f130278326106a58f4bb0b88c698d80d0c9aa87
     76b9289f5505e2cec53537dec310102d a3ae3b19189db5509f9992bc41becfbc 0009 636861742f61636d65`,
  ],
  [
    'revoke a foreign token',
    revoking({ kind: 'foreign', issuer: 'https://idp', jti: 'j-1' }, NOW_MS),
    '01 4279ca9450a00000 02 000b 68747470733a2f2f696470 0003 6a2d31',
  ],
  [
    'revoke a grant',
    revoking({ kind: 'grant', source: 'oauth', grant: grantAt(1) }, NOW_MS),
    `01 4279ca9450a00000 03 0005 6f61757468
     001a 6772745f64726b6f6e315546347337464e546665777841514c51`,
  ],
  [
    'revoke a session',
    revoking({ kind: 'session', source: 'oauth', session: 'é' }, NOW_MS),
    '01 4279ca9450a00000 04 0005 6f61757468 0002 c3a9',
  ],
  [
    'revoke a signing key, for good',
    revoking({ kind: 'key', keyId: 'NzbLsXh8' }, Number.MAX_SAFE_INTEGER),
    '01 433fffffffffffff 05 0008 4e7a624c73586838',
  ],
  [
    'cut off a realm',
    revoking({ kind: 'cut', shape: 'realm', principals: { source: '' } }, NOW_MS),
    '01 4279ca9450a00000 06 00 0000 00 00 00 00',
  ],
  [
    'cut off a subject at a client, dated',
    CUTOFF_BOTH,
    '01 4279ca9450a00000 06 05 0005 6f61757468 01 0002 3737 01 0003 737663 01 0000 01 4279ca41eae00000',
  ],
  [
    'cut off the logins of a foreign subject',
    revoking({ ...FOREIGN_LOGINS, basis: 'authenticated' }, NOW_MS),
    '01 4279ca9450a00000 06 03 000b 6973733a68747470733a2f 01 0001 61 00 00 02',
  ],
  [
    'cut off the logins of a foreign subject, dated',
    revoking({ ...FOREIGN_LOGINS, basis: 'authenticated', issuedBeforeMs: NOW_MS - DAY_MS }, NOW_MS),
    '01 4279ca9450a00000 06 03 000b 6973733a68747470733a2f 01 0001 61 00 00 03 4279ca41eae00000',
  ],
  ['hold a tenant', HOLD, '01 0005 686c645f31 06 02 0008 6964656e74697479 00 00 01 0001 39 00'],
  ['release', { kind: 'release', id: 'hld_1' }, '01 0005 686c645f31'],
  [
    'change',
    { kind: 'change', collection: 'clients', id: 'svc', version: 3 },
    '01 0007 636c69656e7473 0003 737663 4008000000000000',
  ],
  [
    'epoch',
    { kind: 'epoch', ordinal: 2, epochId: 'AAAA', lostBelow: position(1, 5) },
    '01 00000002 0004 41414141 4270000000005000',
  ],
]

const bytesOf = (hex: string): Buffer => Buffer.from(hex.replace(/\s/g, ''), 'hex')

/** Revocations are written with version 2, which says that the commit computed the keep; all other rules are unchanged. */
function asWritten(rule: Rule, hex: string): Buffer {
  const bytes = bytesOf(hex)
  if (rule.kind === 'revoke') bytes[0] = 2
  return bytes
}

for (const [name, rule, hex] of GOLDEN) {
  test(`the bytes of "${name}" are the same as in every earlier version`, () => {
    const kind = traitsOf(rule).code
    assert.equal(encodeRule(rule, DIGEST_KEY).toString('hex'), asWritten(rule, hex).toString('hex'))
    assert.deepEqual(decodeRule({ kind, rule: bytesOf(hex) }), rule)
    assert.deepEqual(decodeRule({ kind, rule: asWritten(rule, hex) }), rule)
    assert.ok(isLegacyKeep({ rule: bytesOf(hex) }))
    assert.equal(isLegacyKeep({ rule: asWritten(rule, hex) }), rule.kind !== 'revoke')
  })
}

test('[H12] the keep of a revocation is the eight bytes behind its version, and nothing else changes with it', () => {
  for (const [, rule, hex] of GOLDEN) {
    if (rule.kind !== 'revoke') continue
    for (const keepUntilMs of [1, NOW_MS + 0.5, KEEP_FOREVER_MS]) {
      const settled = asWritten(rule, hex)
      settleKeep(settled, keepUntilMs)
      assert.equal(keepInBytes(settled), keepUntilMs)
      assert.deepEqual(decodeRule({ kind: ROW_KINDS.revoke.code, rule: settled }), { ...rule, keepUntilMs })
      assert.deepEqual(settled.subarray(9), asWritten(rule, hex).subarray(9))
    }
  }
})

test('the numbers of kinds and shapes never change', () => {
  const codes = Object.fromEntries(ROW_KIND_NAMES.map((kind) => [kind, ROW_KINDS[kind].code]))
  assert.deepEqual(codes, { revoke: 1, hold: 2, release: 3, change: 4, epoch: 5 })
  const exact: Readonly<Record<ExactTarget['kind'], number>> = {
    token: 1,
    foreign: 2,
    grant: 3,
    session: 4,
    key: 5,
  }
  assert.deepEqual(EXACT_CODE, exact)
  const shapes: readonly CutoffShape[] = [
    'realm',
    'source',
    'tenant',
    'subject',
    'client',
    'subject+client',
    'subject+tenant',
    'tenant+client',
  ]
  assert.deepEqual(CUTOFF_SHAPES, shapes)
  for (const [at, shape] of shapes.entries()) {
    const rule = revoking({ kind: 'cut', shape, principals: { source: 's' } }, 0)
    assert.equal(encodeRule(rule, DIGEST_KEY)[10], at)
  }
})

test('every rule decodes to what was encoded', () => {
  const property = fc.property(anyRule, (rule) => {
    const row = rowOf(1, rule)
    assert.deepEqual(decodeRule(row), rule)
    // Bytes inside a larger buffer, as a store or a feed passes them.
    const inside = Buffer.concat([Buffer.alloc(7, 0xee), row.rule, Buffer.alloc(9, 0xee)])
    assert.deepEqual(decodeRule({ ...row, rule: inside.subarray(7, 7 + row.rule.length) }), rule)
  })
  fc.assert(property, { numRuns: 3_000 })
})

test('[H18] no instant outside the range of dates is written, and a stored one that is not a number is refused', () => {
  const dated = (issuedBeforeMs: number): Rule =>
    revoking({ kind: 'cut', shape: 'subject', principals: { source: 's', subject: 'a' }, issuedBeforeMs })
  const written = (ms: number): unknown => {
    const rule = decodeRule(rowOf(1, dated(ms)))
    return rule.kind === 'revoke' && rule.target.kind === 'cut' ? rule.target.issuedBeforeMs : undefined
  }
  for (const [ms, said] of [
    [-3_600_000, 0],
    [0, 0],
    [LAST_INSTANT_MS, LAST_INSTANT_MS],
    [LAST_INSTANT_MS + 1, LAST_INSTANT_MS],
    [Number.POSITIVE_INFINITY, LAST_INSTANT_MS],
  ] as const)
    assert.equal(written(ms), said)
  assert.throws(() => encodeRule(dated(Number.NaN), DIGEST_KEY), ContractBroken)
  const row = rowOf(1, dated(0))
  for (const stored of [Number.NaN, Number.POSITIVE_INFINITY]) {
    const rule = Buffer.from(row.rule)
    rule.writeDoubleBE(stored, rule.length - 8)
    assert.throws(() => decodeRule({ ...row, rule }), ContractBroken)
  }
})

test('[H18] a stored rule whose keep is not a time is kept for good', () => {
  for (const target of [
    tokenTarget(1),
    { kind: 'cut', shape: 'realm', principals: { source: '' } } as const,
  ]) {
    for (const keep of [Number.NaN, 0, -1]) {
      const written = rowOf(1, revoking(target))
      const rule = Buffer.from(written.rule)
      rule.writeDoubleBE(keep, 1)
      const row = { ...written, rule }
      const index = new RevocationIndex(DIGEST_KEY)
      index.fold(row)
      index.raiseFloor(NOW_MS)
      for (let slice = 0; slice < 64; slice += 1) index.dropExpired(slice)
      assert.equal(isRevoked(factsAt(1, { position: position(0, 0) }), index), true, `${target.kind} ${keep}`)
    }
  }
})

test('[H18] a row on a token is folded only if it can be decoded', () => {
  const row = rowOf(1, revoking(tokenTarget(1)))
  for (const rule of [row.rule.subarray(0, -1), Buffer.concat([row.rule, Buffer.alloc(1)])])
    assert.throws(() => new RevocationIndex(DIGEST_KEY).fold({ ...row, rule }), ContractBroken)
})

test('two different rules never have the same kind and bytes', () => {
  const property = fc.property(anyRule, anyRule, (left, right) => {
    fc.pre(left.kind === right.kind)
    const isSame = encodeRule(left, DIGEST_KEY).equals(encodeRule(right, DIGEST_KEY))
    assert.equal(isSame, JSON.stringify(left) === JSON.stringify(right))
  })
  fc.assert(property, { numRuns: 2_000 })
})

test('bytes that end early or go on too long are refused, at every length', () => {
  for (const [, rule, hex] of GOLDEN) {
    const [kind, whole] = [traitsOf(rule).code, bytesOf(hex)]
    for (let length = 0; length < whole.length; length += 1) {
      assert.throws(() => decodeRule({ kind, rule: whole.subarray(0, length) }), ContractBroken, `${length}`)
    }
    for (const more of [Buffer.alloc(1), Buffer.alloc(8, 1), whole]) {
      assert.throws(() => decodeRule({ kind, rule: Buffer.concat([whole, more]) }), ContractBroken)
    }
  }
})

const hexOf = (name: string): string => GOLDEN.find(([one]) => one === name)?.[2] ?? ''

test('an unknown version, kind, target or shape is refused, never skipped (model §3.1)', () => {
  const [revoke, hold] = [bytesOf(GOLDEN[5]?.[2] ?? ''), bytesOf(hexOf('hold a tenant'))]
  for (let version = 0; version < 256; version += 1) {
    if (version === 1) continue
    const [changed, other] = [Buffer.from(revoke), Buffer.from(hold)]
    changed[0] = version
    other[0] = version
    assert.throws(() => decodeRule({ kind: ROW_KINDS.hold.code, rule: other }), ContractBroken)
    if (version === 2) continue
    assert.throws(() => decodeRule({ kind: ROW_KINDS.revoke.code, rule: changed }), ContractBroken)
  }
  for (const kind of [0, 6, 7, 255, -1, 1.5, Number.NaN]) {
    assert.throws(() => decodeRule({ kind, rule: revoke }), ContractBroken)
  }
  for (const target of [0, 7, 255]) {
    const changed = Buffer.from(revoke)
    changed[9] = target
    assert.throws(() => decodeRule({ kind: ROW_KINDS.revoke.code, rule: changed }), ContractBroken)
  }
  for (const shape of [8, 255]) {
    const changed = bytesOf(hexOf('cut off a subject at a client, dated'))
    changed[10] = shape
    assert.throws(() => decodeRule({ kind: ROW_KINDS.revoke.code, rule: changed }), ContractBroken)
  }
})

test('the keys that are read without decoding are those of the decoded rule', () => {
  const property = fc.property(anyRule, (rule) => {
    const row = rowOf(1, rule)
    const keys = tokenRuleKeys(row)
    if (rule.kind !== 'revoke' || rule.target.kind !== 'token') {
      assert.equal(keys, undefined)
      return
    }
    const { source, digest, handle } = rule.target
    const at = (start: number): string => Buffer.from(row.rule).toString('latin1', start, start + 16)
    assert.ok(keys !== undefined)
    assert.equal(keys.keepUntilMs, rule.keepUntilMs)
    assert.equal(at(keys.digestAt), digestKeyOf(digest))
    assert.equal(at(keys.handleKeyAt), handleKeyOf(DIGEST_KEY, source, handle))
  })
  fc.assert(property, { numRuns: 3_000 })
})

test('a rule on a token names the same keys wherever its bytes are in memory', () => {
  const rule = revoking({ kind: 'token', source: 's', digest: digestAt(3), handle: handleAt(3) }, NOW_MS)
  const row = rowOf(1, rule)
  const inside = Buffer.concat([Buffer.alloc(5, 0xee), row.rule]).subarray(5)
  assert.deepEqual(tokenRuleKeys({ ...row, rule: inside }), tokenRuleKeys(row))
})

test('a rule on a token whose bytes end before its keys do is refused when it is folded, too', () => {
  const whole = rowOf(1, revoking(tokenTarget(1)))
  // Memory behind the rule must not be taken for its keys.
  const pool = Buffer.concat([whole.rule, Buffer.alloc(64, 0xee)])
  for (let length = 10; length < 76; length += 1) {
    assert.throws(() => tokenRuleKeys({ ...whole, rule: pool.subarray(0, length) }), ContractBroken)
  }
})
