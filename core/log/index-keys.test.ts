import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import { DIGEST_KEY, digestAt, grantAt, handleAt } from '../../test/kit/samples.ts'
import { RawToken } from '../tokens/raw-token.ts'
import {
  cutoffKeyOf,
  digestKeyOf,
  foreignKeyOf,
  grantKeyOf,
  handleKeyOf,
  keysOfExact,
  sessionKeyOf,
  signingKeyOf,
} from './index-keys.ts'
import { CUTOFF_SHAPES, type CutoffShape } from './rules.ts'

/** Texts that a careless join would confuse: digits, colons, empty ones, and beginnings of each other. */
const TRICKY = [
  '',
  '1',
  ':',
  '1:',
  '1:a',
  'a',
  'aa',
  ':a',
  'a:',
  '0:',
  '2:aa',
  'é',
  'e\u0301',
  '1:a1:a',
  '\u0001',
]

/** Every list (kind, source, id, id?) of the tricky texts, with its key. */
function everyList(): readonly (readonly [list: string, key: string])[] {
  const lists: [string, string][] = []
  const add = (list: readonly string[], key: string | undefined): void => {
    if (key !== undefined) lists.push([JSON.stringify(list), key])
  }
  for (const source of TRICKY) {
    add(['source', source], cutoffKeyOf(DIGEST_KEY, 'source', { source }))
    add(['key', source], signingKeyOf(DIGEST_KEY, source))
    for (const id of TRICKY) {
      add(['handle', source, id], handleKeyOf(DIGEST_KEY, source, id))
      add(['foreign', source, id], foreignKeyOf(DIGEST_KEY, source, id))
      add(['grant', source, id], grantKeyOf(DIGEST_KEY, source, id))
      add(['session', source, id], sessionKeyOf(DIGEST_KEY, source, id))
      add(['tenant', source, id], cutoffKeyOf(DIGEST_KEY, 'tenant', { source, tenant: id }))
      add(['subject', source, id], cutoffKeyOf(DIGEST_KEY, 'subject', { source, subject: id }))
      add(['client', source, id], cutoffKeyOf(DIGEST_KEY, 'client', { source, client: id }))
      for (const other of TRICKY) {
        const of = { source, subject: id, client: other, tenant: `${other}!` }
        add(['subject+client', source, id, other], cutoffKeyOf(DIGEST_KEY, 'subject+client', of))
        add(['subject+tenant', source, id, `${other}!`], cutoffKeyOf(DIGEST_KEY, 'subject+tenant', of))
        add(['tenant+client', source, `${other}!`, other], cutoffKeyOf(DIGEST_KEY, 'tenant+client', of))
      }
    }
  }
  add(['realm'], cutoffKeyOf(DIGEST_KEY, 'realm', { source: 'any' }))
  return lists
}

test('no two different lists of kind, source and ids have the same key', () => {
  const byKey = new Map<string, string>()
  for (const [list, key] of everyList()) {
    assert.equal(byKey.get(key) ?? list, list, 'one key, two lists')
    byKey.set(key, list)
  }
  assert.ok(byKey.size > 7_000, `${byKey.size} lists`)
})

test('random pairs that differ have different keys', () => {
  const text = fc.string({ unit: fc.constantFrom('a', '1', '2', ':', 'é'), maxLength: 5 })
  const pair = fc.tuple(text, text, text)
  const property = fc.property(pair, pair, ([source, subject, client], [source2, subject2, client2]) => {
    const left = cutoffKeyOf(DIGEST_KEY, 'subject+client', { source, subject, client })
    const right = cutoffKeyOf(DIGEST_KEY, 'subject+client', {
      source: source2,
      subject: subject2,
      client: client2,
    })
    assert.equal(left === right, source === source2 && subject === subject2 && client === client2)
  })
  fc.assert(property, { numRuns: 5_000 })
})

test('a key is the first half of a keyed hash of NUL, kind, source and id', () => {
  const half = (text: string): string =>
    createHash('sha256').update(text, 'utf8').digest().subarray(0, 16).toString('latin1')
  assert.equal(handleKeyOf(DIGEST_KEY, 'é', 'tok_x'), half(`${DIGEST_KEY}\0\u00012:étok_x`))
  assert.equal(grantKeyOf(DIGEST_KEY, 'oauth', 'g'), half(`${DIGEST_KEY}\0\u00035:oauthg`))
  const pair = { source: 'oauth', subject: 'sé', client: 'c' }
  const kind = String.fromCharCode(32 + CUTOFF_SHAPES.indexOf('subject+client'))
  assert.equal(cutoffKeyOf(DIGEST_KEY, 'subject+client', pair), half(`${DIGEST_KEY}\0${kind}5:oauth3:séc`))
})

test('a token digest is its own key, and a rule on a token has its digest’s and its handle’s', () => {
  const digest = digestAt(1)
  const key = digestKeyOf(digest)
  assert.equal(key.length, 16)
  assert.equal(key, Buffer.from(digest, 'base64url').subarray(0, 16).toString('latin1'))
  const target = { kind: 'token', source: 'oauth', digest, handle: handleAt(1) } as const
  assert.deepEqual(keysOfExact(DIGEST_KEY, target), [key, handleKeyOf(DIGEST_KEY, 'oauth', handleAt(1))])
})

test('every realm has keys of its own', () => {
  assert.notEqual(handleKeyOf(DIGEST_KEY, 'oauth', 'x'), handleKeyOf('K'.repeat(43), 'oauth', 'x'))
})

test('principals that lack what a shape names have no key of that shape', () => {
  const lacks: readonly (readonly [CutoffShape, object])[] = [
    ['tenant', { subject: 's', client: 'c' }],
    ['subject', { tenant: 't', client: 'c' }],
    ['client', { tenant: 't', subject: 's' }],
    ['subject+client', { subject: 's' }],
    ['subject+client', { client: 'c' }],
    ['subject+tenant', { subject: 's' }],
    ['subject+tenant', { tenant: 't' }],
    ['tenant+client', { tenant: 't' }],
    ['tenant+client', { client: 'c' }],
  ]
  for (const [shape, names] of lacks) {
    assert.equal(cutoffKeyOf(DIGEST_KEY, shape, { source: 's', ...names }), undefined)
  }
  assert.notEqual(cutoffKeyOf(DIGEST_KEY, 'realm', { source: 's' }), undefined)
  assert.notEqual(cutoffKeyOf(DIGEST_KEY, 'source', { source: 's' }), undefined)
})

/** A chat customer may choose text that spells the input of another target's key, with every possible kind byte. */

test('no token text has a digest that equals the key of another target', () => {
  const grant = grantAt(1)
  const spelled = [
    [`\u00015:oauth${handleAt(1)}`, handleKeyOf(DIGEST_KEY, 'oauth', handleAt(1))],
    [`\u00035:oauth${grant}`, grantKeyOf(DIGEST_KEY, 'oauth', grant)],
    ['\u00045:oauthsession', sessionKeyOf(DIGEST_KEY, 'oauth', 'session')],
    ['\u00050:kid', signingKeyOf(DIGEST_KEY, 'kid')],
  ] as const
  for (const [text, key] of spelled) {
    const raw = RawToken.parse(text)
    if (raw !== undefined) assert.notEqual(digestKeyOf(raw.digest(DIGEST_KEY)), key, JSON.stringify(text))
  }
})
