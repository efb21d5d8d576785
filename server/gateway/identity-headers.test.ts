import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BEYOND_LOGS } from '@rescind/core'
import fc from 'fast-check'
import { IDENTITY_HEADERS } from '../records/header-names.ts'
import { IDENTITY_HEADER_MAX, identityHeaders, NOBODY } from './identity-headers.ts'
import type { Bearer } from './judge.ts'

const BARE: Bearer = {
  kind: 'access',
  source: 'oauth',
  scopes: [],
  ancestors: [],
  position: BEYOND_LOGS,
  expiresAtMs: 1_772_370_000_999,
}

const told = (more: Partial<Bearer>): Readonly<Record<string, string>> =>
  identityHeaders({ ...BARE, ...more })

test('every identity header is always sent, empty where nothing is known of the caller [H6]', () => {
  for (const headers of [
    NOBODY,
    told({}),
    told({ subject: 'ann', client: 'svc', tenant: 't', scopes: ['a', 'b'] }),
  ])
    assert.deepEqual(Object.keys(headers), [...IDENTITY_HEADERS])
  assert.deepEqual(new Set(Object.values(NOBODY)), new Set(['']))
  assert.deepEqual(told({}), { ...NOBODY, 'x-auth-source': 'oauth', 'x-auth-exp': '1772370000' })
})

test('an id that is too long for its header is sent empty, never cut [H6]', () => {
  const longest = 'a'.repeat(IDENTITY_HEADER_MAX)
  assert.equal(told({ subject: longest })['x-auth-subject'], longest)
  assert.equal(told({ subject: `${longest}a` })['x-auth-subject'], '')
  assert.equal(told({ scopes: ['é'.repeat(200)] })['x-auth-scope'], '', 'its length is that of what is sent')
})

test('an actor never disappears from the headers, however long the chain or the name [H6]', () => {
  const act = (claim: unknown): string | undefined => told({ claims: { act: claim } })['x-auth-act']
  const before = { sub: 'b'.repeat(IDENTITY_HEADER_MAX) }
  assert.equal(act({ sub: 'a' }), '{"sub":"a"}')
  assert.equal(act({ sub: 'a', act: { sub: 'b' } }), '{"sub":"a","act":{"sub":"b"}}')
  assert.equal(act({ sub: 'a', act: before }), '{"sub":"a"}')
  assert.equal(act(before), '{}')
  for (const claim of [{}, 'x', 7, []]) assert.match(act(claim) ?? '', /^(?:\{\}|\[\])$/)
  assert.equal(told({ source: 'identity', claims: { impersonator: '7' } })['x-auth-act'], '{"sub":"7"}')
})

test('no byte of an id ends a header, begins another one or is lost at its ends', () => {
  const arrivesWhole = (subject: string): void => {
    const text = told({ subject })['x-auth-subject'] ?? ''
    assert.match(text, /^[\x21-\x7e]?(?:[\x20-\x7e]*[\x21-\x7e])?$/)
    assert.equal(decodeURIComponent(text), subject)
  }
  const ids = ['a\r\nX-Auth-Scope: admin', '\0', ' a ', '%0d', 'zoë', '\u2028', '\u{1f600}', '']
  for (const subject of ids) arrivesWhole(subject)
  // Most of these are plain but for one character, which is where plain text is told from other text.
  const plain = fc.string({ maxLength: 20 })
  const one = fc.string({ unit: 'binary', maxLength: 1 })
  fc.assert(fc.property(plain, one, plain, (a, b, c) => arrivesWhole(a + b + c)))
})
