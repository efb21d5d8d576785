import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { CREDENTIAL_KINDS, isCredentialKind, isUsableKind, SINGLE_USE } from '../tokens/kinds.ts'
import { ANY_ACCESS, admit, type Credential, type Demand } from './admit.ts'

const GOOD: Credential = { kind: 'access', source: 'oauth', audience: ['https://orders'], scopes: ['read'] }
const DEMAND: Demand = { audience: ['https://orders'], constraint: 'refuse' }

function saying(over: Partial<Credential>, demand: Partial<Demand> = {}): string {
  const admission = admit({ ...GOOD, ...over }, { ...DEMAND, ...demand })
  return admission.kind === 'refused' ? admission.why : admission.kind
}

test('[H1] [H2] [H13] only listed kinds are accepted: access tokens of each dialect and of issuers', () => {
  const accepted = CREDENTIAL_KINDS.filter((kind) => saying({ kind }) === 'admitted')
  assert.deepEqual(accepted, ['access', 'chat', 'assigned', 'identity', 'foreign'])
  const refused = [
    'refresh',
    'code',
    'limited',
    'foreign-other',
    'client-secret',
    'control-key',
    'Access',
    '',
  ]
  for (const kind of refused) assert.equal(saying({ kind }, { audience: 'any' }), 'kind', kind)
  // Members that every object inherits are not kinds.
  for (const kind of ['constructor', '__proto__', 'toString', 'hasOwnProperty'])
    assert.deepEqual([saying({ kind }), isCredentialKind(kind), isUsableKind(kind)], ['kind', false, false])
  for (const kind of SINGLE_USE)
    assert.equal(isUsableKind(kind), false, `${kind} is used up by presenting it`)
})

test('[H4] a token that names audiences passes only where it names the acceptor, to the character', () => {
  for (const audience of [['https://orders'], ['https://x', 'https://orders']])
    assert.equal(saying({ audience }), 'admitted')
  const others = [
    'https://billing',
    'https://orders/',
    'HTTPS://orders',
    'https://order',
    'https://ordersx',
    '',
  ]
  for (const other of others) assert.equal(saying({ audience: [other] }), 'audience', other)
  assert.equal(saying({ audience: [] }), 'audience', 'an empty list names no audience')
  assert.equal(saying({ audience: [] }, { withoutAudience: true }), 'audience', 'and is not the same as none')
  assert.equal(saying({ audience: ['https://b'] }, { audience: ['https://a', 'https://b'] }), 'admitted')
})

test('[H4] a token without audience passes only where the acceptor says so', () => {
  const none = { audience: undefined }
  assert.equal(saying(none), 'audience')
  assert.equal(saying(none, { withoutAudience: false }), 'audience')
  assert.equal(saying(none, { withoutAudience: true }), 'admitted')
  assert.equal(saying(none, { audience: 'any' }), 'admitted')
  assert.equal(saying({ audience: ['https://b'] }, { audience: 'any' }), 'admitted')
  // A service may be called `any`: only the bare word, not a list with it, accepts all audiences.
  assert.equal(saying({ audience: ['https://b'] }, { audience: ['any'] }), 'audience')
  assert.equal(
    saying({ audience: ['https://b'] }, { audience: ['https://a'], withoutAudience: true }),
    'audience',
  )
})

test('[W10] a token bound to a key is refused as a bearer token, unless the acceptor checks the binding itself', () => {
  for (const cnf of [{ jkt: 'thumb' }, { 'x5t#S256': 'thumb' }, { kid: 'k' }, {}]) {
    assert.equal(saying({ cnf }), 'constrained')
    assert.equal(saying({ cnf }, { constraint: 'report' }), 'admitted')
  }
})

test('sources and scopes are compared exactly; too little scope differs from not being for this acceptor', () => {
  assert.equal(saying({}, { sources: ['oauth'] }), 'admitted')
  assert.equal(saying({}, { sources: ['identity'] }), 'source')
  assert.equal(saying({}, { sources: [] }), 'source')
  assert.equal(saying({}, { scopes: ['read'] }), 'admitted')
  assert.equal(saying({}, { scopes: ['read', 'write'] }), 'insufficient')
  assert.equal(saying({ scopes: ['reads', 'rea'] }, { scopes: ['read'] }), 'insufficient')
  assert.equal(saying({ kind: 'refresh' }, { scopes: ['write'] }), 'kind', 'nothing is said of its scope')
})

test('[F09] demanding more never lets in more, whatever the credential is', () => {
  const text = fc.constantFrom('a', 'b', 'c', 'any', '')
  const texts = fc.array(text, { maxLength: 3 })
  const credential = fc.record(
    { kind: fc.constantFrom(...CREDENTIAL_KINDS, 'other'), source: text, audience: texts, scopes: texts },
    { requiredKeys: ['kind', 'source', 'scopes'] },
  )
  const demand = fc.record(
    {
      audience: texts,
      withoutAudience: fc.boolean(),
      constraint: fc.constant('refuse' as const),
      sources: texts,
      scopes: texts,
    },
    { requiredKeys: ['audience', 'constraint'] },
  )
  fc.assert(
    fc.property(credential, demand, (given, asked) => {
      const { kind } = admit(given, asked)
      if (kind === 'admitted') assert.equal(admit(given, ANY_ACCESS).kind, 'admitted')
      if (kind !== 'admitted') return
      assert.equal(isUsableKind(given.kind), true)
      assert.ok(
        given.audience === undefined
          ? asked.withoutAudience === true
          : given.audience.some((one) => asked.audience.includes(one)),
      )
      assert.ok((asked.scopes ?? []).every((scope) => given.scopes.includes(scope)))
    }),
  )
})
