import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ancestorOf, BEYOND_LOGS, realmOrdinal, type TokenFacts } from '@rescind/core'
import { CUTOFF_SHAPES, type Target } from '@rescind/core/log'
import fc from 'fast-check'
import { DIGEST_KEY, digestAt, factsAt, grantAt, handleAt, revoking, SOURCE } from '../../test/kit/samples.ts'
import { covers } from './covers.ts'
import { dependencyKeys, ownDependencies, rowKeys } from './dependency-keys.ts'

const number = fc.constantFrom(1, 2)
const source = fc.constantFrom(SOURCE, 'identity', 'iss:https://a')

const target: fc.Arbitrary<Target> = fc.oneof(
  fc.record({ number, source }).map(
    (one): Target => ({
      ...{ kind: 'token', source: one.source, digest: digestAt(one.number), handle: handleAt(one.number) },
    }),
  ),
  number.map((one): Target => ({ kind: 'foreign', issuer: 'https://a', jti: `jti ${one}` })),
  fc.record({ number, source }).map(
    (one): Target => ({
      ...{ kind: 'grant', source: one.source, grant: grantAt(one.number) },
    }),
  ),
  fc.record({ number, source }).map(
    (one): Target => ({
      ...{ kind: 'session', source: one.source, session: `session ${one.number}` },
    }),
  ),
  number.map((one): Target => ({ kind: 'key', keyId: `key ${one}` })),
  fc.record({ shape: fc.constantFrom(...CUTOFF_SHAPES), number, source }).map((one): Target => {
    const { subject, client, tenant } = factsAt(one.number)
    const principals = {
      source: one.source,
      subject: subject ?? '',
      client: client ?? '',
      tenant: tenant ?? '',
    }
    return { kind: 'cut', shape: one.shape, principals }
  }),
)

const one: fc.Arbitrary<TokenFacts> = fc.record({ number, source }).map((drawn) => {
  const facts = factsAt(drawn.number, { source: drawn.source })
  if (!drawn.source.startsWith('iss:')) return facts
  return { ...facts, position: BEYOND_LOGS, foreign: { jti: `jti ${drawn.number}`, skewMs: 0 } }
})

const facts: fc.Arbitrary<TokenFacts> = fc
  .record({ one, up: fc.option(one, { nil: undefined }), hasDigest: fc.boolean() })
  .map(({ one: own, up, hasDigest }) => {
    const { digest, ...rest } = own
    const ancestors = up === undefined ? [] : [ancestorOf(up)]
    return { ...rest, ancestors, ...(hasDigest && digest !== undefined ? { digest } : {}) }
  })

function meets(judged: TokenFacts, rule: Target): boolean {
  const keys = rowKeys(DIGEST_KEY, revoking(rule))
  const looked = dependencyKeys(DIGEST_KEY, judged)
  return keys === undefined || keys.some((key) => looked.includes(key))
}

test('[model 4.3] whatever a rule covers, one of its keys is among those of the facts', () => {
  let covered = 0
  fc.assert(
    fc.property(facts, target, (judged, rule) => {
      if (!covers(rule, judged)) return
      covered += 1
      assert.ok(meets(judged, rule))
    }),
    { numRuns: 4_000, seed: 20_261_130 },
  )
  assert.ok(covered > 200, `${covered} of the drawn rules covered something`)
})

test('a rule on something else shares no key', () => {
  const judged = factsAt(1)
  const { subject, client, tenant } = factsAt(2)
  const principals = { source: SOURCE, subject: subject ?? '', client: client ?? '', tenant: tenant ?? '' }
  for (const shape of CUTOFF_SHAPES) {
    const hits = shape === 'realm' || shape === 'source'
    assert.equal(meets(judged, { kind: 'cut', shape, principals }), hits, shape)
  }
  assert.equal(meets(judged, { kind: 'grant', source: 'identity', grant: grantAt(1) }), false)
  assert.equal(meets(judged, { kind: 'key', keyId: 'key 2' }), false)
})

test('a new epoch concerns everything, a release nothing, a change its collection', () => {
  assert.equal(
    rowKeys(DIGEST_KEY, { kind: 'epoch', ordinal: 2, epochId: 'e', lostBelow: BEYOND_LOGS }),
    undefined,
  )
  assert.deepEqual(rowKeys(DIGEST_KEY, { kind: 'release', id: 'h' }), [])
  const changed = (collection: string) =>
    rowKeys(DIGEST_KEY, { kind: 'change', collection, id: 'i', version: 1 })
  const rule = revoking({ kind: 'grant', source: SOURCE, grant: grantAt(1) })
  const row = { atMs: 0, rule, bytes: Buffer.alloc(0), audit: '' }
  const write = {
    realm: realmOrdinal(1),
    dependsOn: [],
    expects: [],
    operations: [{ kind: 'append', row } as const],
  }
  const keys = ownDependencies(DIGEST_KEY, write)
  const named = (collection: string) => changed(collection)?.some((key) => keys.includes(key)) === true
  for (const collection of ['issuers', 'issuerTerms', 'realmSettings'])
    assert.ok(named(collection), collection)
  assert.ok(!named('users'))
})
