import assert from 'node:assert/strict'
import { test } from 'node:test'
import { makePrivateMembers } from '@rescind/authority'
import { BEYOND_LOGS } from '@rescind/core'
import type { Json, JsonObject, SignatureAlgorithm } from '@rescind/core/bytes'
import {
  exportPublicJwk,
  type ForeignIssuer,
  type ForeignRead,
  foreignKeys,
  importPrivateJwk,
  parseJws,
  readForeign,
  type SigningKey,
  signJws,
  type VerificationKey,
} from '@rescind/core/tokens'
import { NOW_MS } from '../kit/samples.ts'
import { SeededRandom } from '../kit/seeded-random.ts'

const ISSUER: ForeignIssuer = {
  issuer: 'https://idp.example/',
  algorithms: ['ES256'],
  claims: { jti: 'jti', subject: 'sub', client: 'azp', tenant: '/org/id', session: 'sid' },
  skewSeconds: 60,
  maxLifetimeSeconds: 3_600,
}
const NOW = NOW_MS / 1_000
const CLAIMS: JsonObject = { iss: ISSUER.issuer, jti: 'j', sub: 's', iat: NOW, exp: NOW + 600 }

async function keyOf(
  algorithm: SignatureAlgorithm,
  seed: string,
): Promise<{ key: SigningKey; jwk: JsonObject }> {
  const members = await makePrivateMembers(algorithm, new SeededRandom(seed))
  const key = importPrivateJwk(members, algorithm)
  assert.ok(key !== undefined)
  return { key, jwk: exportPublicJwk(members, algorithm) }
}

const OURS = await keyOf('ES256', 'one')
const OTHER = await keyOf('ES256', 'other')
const KEYS = keysOf([OURS.jwk])

function keysOf(keys: readonly Json[], algorithms = ISSUER.algorithms): readonly VerificationKey[] {
  const imported = foreignKeys({ keys }, algorithms)
  assert.ok(imported !== undefined)
  return imported
}

type Over = Partial<Parameters<typeof readForeign>[0]> & { readonly by?: SigningKey }

function read(claims: JsonObject, { by = OURS.key, ...over }: Over = {}): ForeignRead {
  const jws = parseJws(signJws(claims, 'JWT', by))
  assert.ok(jws !== undefined)
  return readForeign({ jws, issuer: ISSUER, keys: KEYS, nowMs: NOW_MS, ...over })
}

function factsOf(claims: JsonObject, over: Over = {}): Extract<ForeignRead, { kind: 'facts' }>['facts'] {
  const one = read(claims, over)
  assert.ok(one.kind === 'facts', JSON.stringify(one))
  return one.facts
}

function whyOf(claims: JsonObject, over: Over = {}): string {
  const one = read(claims, over)
  return one.kind === 'refused' ? one.why : one.kind
}

const without = (name: string): JsonObject =>
  Object.fromEntries(Object.entries(CLAIMS).filter(([key]) => key !== name))

test('mapped claims become the facts of a token of its source, without a position in our log', () => {
  assert.deepEqual(factsOf({ ...CLAIMS, azp: 'c', sid: 'x', org: { id: 't' }, auth_time: 5 }), {
    source: 'iss:https://idp.example/',
    subject: 's',
    client: 'c',
    tenant: 't',
    session: 'x',
    keyId: OURS.key.keyId,
    ancestors: [],
    position: BEYOND_LOGS,
    issuedAtMs: NOW_MS,
    expiresAtMs: NOW_MS + 600_000,
    notBeforeMs: NOW_MS - 60_000,
    foreign: { jti: 'j', skewMs: 60_000 },
  })
})

test('a claim that is not mapped is ignored, and an absent one stays absent', () => {
  const facts = factsOf({ ...CLAIMS, client_id: 'c', tenant: 't' })
  assert.deepEqual([facts.client, facts.tenant, facts.session], [undefined, undefined, undefined])
})

test('whole numbers are ids; lists, objects, fractions, booleans, null, empty and endless text are refused', () => {
  assert.equal(factsOf({ ...CLAIMS, azp: 77 }).client, '77')
  for (const azp of [['c'], { id: 'c' }, 1.5, 2 ** 60, true, null, '', 'x'.repeat(1_025)]) {
    assert.equal(whyOf({ ...CLAIMS, azp }), 'claims', JSON.stringify(azp))
    if (azp !== '') assert.equal(whyOf({ ...CLAIMS, jti: azp }), 'claims')
  }
  assert.equal(factsOf({ ...CLAIMS, azp: 'x'.repeat(1_024) }).client?.length, 1_024)
})

test('without jti a token is identified by its signing input, with any signature', () => {
  const claims = without('jti')
  const [one, again] = [factsOf(claims), factsOf(claims)]
  assert.match(one.foreign?.jti ?? '', /^sha256:[\w-]{43}$/)
  assert.equal(one.foreign?.jti, again.foreign?.jti, 'ES256 signs with new randomness each time')
  assert.notEqual(one.foreign?.jti, factsOf({ ...claims, sub: 'u' }).foreign?.jti)
})

test('[A08] [H06] no exp, or a life longer than agreed, is refused; exactly as long is not (model §2.8)', () => {
  assert.equal(whyOf(without('exp')), 'claims')
  assert.equal(whyOf({ ...CLAIMS, exp: NOW + 3_600 }), 'facts')
  assert.equal(whyOf({ ...CLAIMS, exp: NOW + 3_601 }), 'lifetime')
})

test('[H09] times that are not numbers are refused, including mapped login times', () => {
  const issuer = { ...ISSUER, claims: { ...ISSUER.claims, authenticatedAt: 'auth_time' } }
  for (const bad of ['1', null, true, -1, 1e300, [NOW]]) {
    for (const name of ['exp', 'iat', 'nbf'])
      assert.equal(whyOf({ ...CLAIMS, [name]: bad }), 'claims', `${name} ${JSON.stringify(bad)}`)
    assert.equal(whyOf({ ...CLAIMS, auth_time: bad }, { issuer }), 'claims')
    assert.equal(whyOf({ ...CLAIMS, auth_time: bad }), 'facts', 'what is not mapped is not looked at')
  }
  assert.equal(
    factsOf({ ...CLAIMS, auth_time: NOW - 9 }, { issuer }).foreign?.authenticatedAtMs,
    NOW_MS - 9_000,
  )
})

test('[CAT-H12] a token begins with the later of nbf and iat, less the skew: no future token escapes a cutoff', () => {
  assert.equal(factsOf({ ...CLAIMS, nbf: NOW + 100 }).notBeforeMs, NOW_MS + 40_000)
  assert.equal(factsOf({ ...CLAIMS, iat: NOW + 300, nbf: NOW }).notBeforeMs, NOW_MS + 240_000)
})

test('[M09] another issuer, audience, key or signature is refused', () => {
  assert.equal(whyOf({ ...CLAIMS, iss: 'https://idp.example' }), 'issuer')
  assert.equal(whyOf(without('iss')), 'issuer')
  assert.equal(whyOf(CLAIMS, { by: OTHER.key }), 'unknown-key')
  const issuer = { ...ISSUER, audience: ['a', 'b'] }
  for (const aud of ['b', ['x', 'a']]) assert.equal(whyOf({ ...CLAIMS, aud }, { issuer }), 'facts')
  for (const aud of ['x', [], ['A'], 7, null, ['a', 7]])
    assert.equal(whyOf({ ...CLAIMS, aud }, { issuer }), 'audience')
  assert.equal(whyOf(CLAIMS, { issuer }), 'audience')
})

test('[D07] a key counts for its issuer only: another issuer’s key with the same kid proves nothing', () => {
  const kid = OURS.key.keyId
  const keys = keysOf([{ ...OTHER.jwk, kid }])
  assert.equal(whyOf(CLAIMS, { keys }), 'signature')
})

test('only agreed algorithms count; a key without an algorithm counts for each that fits it', async () => {
  const rsa = await keyOf('PS256', 'rsa')
  const { alg: _alg, ...silent } = rsa.jwk
  const by = rsa.key
  assert.equal(whyOf(CLAIMS, { by, keys: keysOf([rsa.jwk], ['ES256', 'RS256']) }), 'unknown-key')
  assert.equal(whyOf(CLAIMS, { by, keys: keysOf([silent], ['RS256', 'PS256']) }), 'facts')
  assert.equal(whyOf(CLAIMS, { by, keys: keysOf([silent], ['RS256']) }), 'unknown-key')
  assert.equal(foreignKeys({ keys: 'none' }, ['ES256']), undefined)
})
