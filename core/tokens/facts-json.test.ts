import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { grantId, mintHandle, tokenDigest } from '../ids.ts'
import { BEYOND_LOGS, ORDINAL_MAX, position } from '../position.ts'
import type { Ancestor, TokenFacts } from '../records.ts'
import type { Credential } from '../verdict/admit.ts'
import { factsJson } from './facts-json.ts'
import { CREDENTIAL_KINDS } from './kinds.ts'
import { readFacts } from './read-facts.ts'

const LAST_MS = 253_402_300_799_999
const text = fc.string({ minLength: 1, maxLength: 12 })
const instant = fc.nat(LAST_MS)
const bytes = fc.uint8Array({ minLength: 32, maxLength: 32 })
const handle = bytes.map((drawn) => mintHandle({ bytes: (length) => Buffer.from(drawn.subarray(0, length)) }))
const named = { subject: text, client: text, tenant: text, session: text, keyId: text }

const up: fc.Arbitrary<Ancestor> = fc.record(
  {
    ...{ source: text, ...named, handle, grant: text.map(grantId) },
    ...{ issuedAtMs: instant, expiresAtMs: instant },
    position: fc.tuple(fc.nat(ORDINAL_MAX), fc.nat(99_999)).map(([ordinal, seq]) => position(ordinal, seq)),
  },
  {
    noNullPrototype: true,
    requiredKeys: ['source', 'position', 'expiresAtMs', 'handle', 'issuedAtMs', 'grant'],
  },
)

const foreign: fc.Arbitrary<TokenFacts> = fc
  .tuple(up, text, fc.nat(3_600), fc.option(instant, { nil: undefined }))
  .map(([{ handle: _handle, grant: _grant, ...of }, jti, skewSeconds, authenticatedAtMs]) => ({
    ...of,
    source: 'iss:https://issuer.example',
    position: BEYOND_LOGS,
    foreign: {
      jti,
      skewMs: skewSeconds * 1_000,
      ...(authenticatedAtMs === undefined ? {} : { authenticatedAtMs }),
    },
    ancestors: [],
  }))

const ours: fc.Arbitrary<TokenFacts> = fc
  .tuple(up, fc.array(up, { maxLength: 3 }), bytes, fc.option(instant, { nil: undefined }))
  .map(([own, ancestors, digest, notBeforeMs]) => ({
    ...own,
    ancestors,
    digest: tokenDigest(Buffer.from(digest).toString('base64url')),
    ...(notBeforeMs === undefined ? {} : { notBeforeMs }),
  }))

const credential: fc.Arbitrary<Omit<Credential, 'source'>> = fc.record(
  {
    kind: fc.constantFrom(...CREDENTIAL_KINDS),
    scopes: fc.array(text, { maxLength: 3 }),
    audience: fc.array(text, { maxLength: 3 }),
    cnf: fc.dictionary(fc.stringMatching(/^[a-z]{1,5}$/), text, { noNullPrototype: true }),
    ...{ typ: text, delegated: text },
  },
  { noNullPrototype: true, requiredKeys: ['kind', 'scopes'] },
)

test('every fact that is written about a token is read back: none that a verdict needs is lost', () => {
  fc.assert(
    fc.property(fc.oneof(ours, foreign), credential, (facts, rest) => {
      const given: Credential = { ...rest, source: facts.source }
      const sent: unknown = JSON.parse(JSON.stringify(factsJson(facts, given)))
      assert.deepEqual(readFacts(sent), { facts, credential: given })
    }),
    { seed: 20_261_130 },
  )
})
