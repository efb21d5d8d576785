import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  ancestorOf,
  grantId,
  grantOf,
  type Handle,
  isSought,
  ORIGIN,
  parseHandle,
  position,
  type TokenFacts,
  tokenDigest,
} from '@rescind/core'
import { defined } from '@rescind/core/bytes'
import { CUTOFF_SHAPES, type Target } from '@rescind/core/log'
import { foreignSource } from '@rescind/core/tokens'
import fc from 'fast-check'
import { covers } from './covers.ts'
import { namesOfIds, namesOfTargets } from './sought-names.ts'
import { bearsNames } from './token-names.ts'

const ISSUER = 'https://a.example'
const SOURCES = ['oauth', 'identity', 'chat/acme', foreignSource(ISSUER)]

function handleNo(number: number): Handle {
  const handle = parseHandle(`tok_${'A'.repeat(19)}${'ABCD'[number % 4]}AA`)
  assert.ok(handle !== undefined)
  return handle
}

const few = fc.constantFrom('a', 'b')
const some = fc.option(few, { nil: undefined })
const source = fc.constantFrom(...SOURCES)
const number = fc.nat(3)
const grant = fc.oneof(
  number.map((one) => grantOf(handleNo(one))),
  few.map((one) => grantId(`grt_${one}`)),
)

type Token = TokenFacts & { readonly handle: Handle }

/** A token that began its grant, or is of another's; with ancestors of every kind. */
const TOKEN: fc.Arbitrary<Token> = fc
  .record({
    ...{ source, subject: some, client: some, tenant: some, session: some, grant, number },
    parents: fc.array(
      fc.record({
        ...{ source, subject: some, client: some, tenant: some, session: some },
        ...{ grant: fc.option(grant, { nil: undefined }), number, jti: some },
      }),
      { maxLength: 2 },
    ),
  })
  .map(({ parents, number: own, ...facts }) => ({
    ...factsOf(facts),
    handle: handleNo(own),
    digest: tokenDigest('D'.repeat(43)),
    ancestors: parents.map(({ jti, number: of, ...up }) =>
      ancestorOf({
        ...factsOf(up),
        ...(jti === undefined ? { handle: handleNo(of) } : { foreign: { jti, skewMs: 0 } }),
      }),
    ),
  }))

function factsOf(facts: object & { readonly source: string }): TokenFacts {
  return { ...facts, position: ORIGIN, issuedAtMs: 1, expiresAtMs: 2, ancestors: [] }
}

const TARGET: fc.Arbitrary<Target> = fc.oneof(
  fc
    .record({ shape: fc.constantFrom(...CUTOFF_SHAPES), source, subject: few, client: few, tenant: few })
    .map(({ shape, ...principals }): Target => ({ kind: 'cut', shape, principals })),
  fc.record({ source, number }).map(
    ({ source: of, number: nth }): Target => ({
      kind: 'token',
      source: of,
      digest: tokenDigest('E'.repeat(43)),
      handle: handleNo(nth),
    }),
  ),
  few.map((jti): Target => ({ kind: 'foreign', issuer: ISSUER, jti })),
  fc.record({ kind: fc.constant('grant' as const), source, grant }),
  fc.record({ kind: fc.constant('session' as const), source, session: few }),
)

test('every token that a target covers, itself or through an ancestor, bears the names of the target', () => {
  let covered = 0
  fc.assert(
    fc.property(TOKEN, fc.array(TARGET, { minLength: 1, maxLength: 2 }), (token, targets) => {
      const sought = namesOfTargets(targets)
      if (sought === undefined) return
      const isCovered = targets.some((target) => covers(target, token))
      if (isCovered) covered += 1
      assert.ok(!isCovered || bearsNames(token, sought))
    }),
    // test/museum reads what failed.
    { numRuns: 3_000, includeErrorInReport: true },
  )
  assert.ok(covered > 200, `${covered} were covered`)
})

test('targets that are no name are sought in no index, alone or beside others', () => {
  const named: Target = { kind: 'session', source: 'oauth', session: 's' }
  const unnamed: readonly Target[] = [
    { kind: 'key', keyId: 'k' },
    { kind: 'cut', shape: 'realm', principals: { source: '' } },
    { kind: 'cut', shape: 'source', principals: { source: 'oauth' } },
  ]
  for (const target of unnamed) assert.equal(namesOfTargets([named, target]), undefined)
  assert.ok(namesOfTargets([named]) !== undefined)
})

test('a token from before ancestors carried grants is among those of every target that is a name', () => {
  const up = { source: 'oauth', handle: handleNo(1), position: position(1, 1), expiresAtMs: 2 }
  const old: Token = { ...factsOf({ source: 'oauth' }), handle: handleNo(2), ancestors: [up] }
  const sought = namesOfTargets([{ kind: 'session', source: 'identity', session: 's' }])
  assert.ok(sought !== undefined && bearsNames(old, sought))
})

test('ids that are no name are sought in no index, whatever sources there are', () => {
  for (const sources of [[], SOURCES])
    for (const ids of [{}, { source: 'oauth' }, { keyId: 'k' }])
      assert.equal(namesOfIds(sources, ids), undefined)
})

test('every token with some ids bears the names of these ids', () => {
  const ids = fc.record({ source: fc.option(source, { nil: undefined }), subject: some, client: some })
  const more = fc.record({ tenant: some, session: some, grant: fc.option(grant, { nil: undefined }) })
  fc.assert(
    fc.property(TOKEN, ids, more, (token, some_, others) => {
      const asked = defined({ ...some_, ...others })
      const sought = namesOfIds(asked.source === undefined ? SOURCES : [asked.source], asked)
      const isNamed = Object.keys(asked).some((one) => one !== 'source')
      assert.equal(sought !== undefined, isNamed)
      if (sought !== undefined && isSought(token, asked)) assert.ok(bearsNames(token, sought))
    }),
    { numRuns: 2_000 },
  )
})
