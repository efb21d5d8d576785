import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SeededRandom } from '../test/kit/seeded-random.ts'
import { ContractBroken } from './faults.ts'
import {
  grantOf,
  handleBytes,
  handleFromBytes,
  mintHandle,
  parseHandle,
  parseRealmName,
  tokenDigest,
} from './ids.ts'

test('10,000 minted handles are 128 bits each, parse, and survive their bytes', () => {
  const random = new SeededRandom('handles')
  const seen = new Set<string>()
  for (let count = 0; count < 10_000; count += 1) {
    const handle = mintHandle(random)
    assert.match(handle, /^tok_[A-Za-z0-9_-]{22}$/)
    assert.equal(parseHandle(handle), handle)
    assert.equal(handleBytes(handle).length, 16)
    assert.equal(handleFromBytes(handleBytes(handle)), handle)
    seen.add(handle)
  }
  assert.equal(seen.size, 10_000)
})

test('text that is not a handle does not parse', () => {
  const body = 'A'.repeat(22)
  const texts = ['', 'tok_', body, `tok_${body}A`, `tok_${body.slice(1)}`, `TOK_${body}`, `grt_${body}`]
  const odd = ['+', '/', '=', ' ', '\n', 'é', '\0'].map((char) => `tok_${body.slice(1)}${char}`)
  for (const text of [...texts, ...odd, ` tok_${body}`, `tok_${body}\n`]) {
    assert.equal(parseHandle(text), undefined, JSON.stringify(text))
  }
})

test('only one of the texts that decode to the same 16 bytes is a handle', () => {
  const base = `tok_${'A'.repeat(21)}`
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  const accepted = [...alphabet].filter((last) => parseHandle(base + last) !== undefined)
  assert.deepEqual(accepted, ['A', 'Q', 'g', 'w'])
  for (const last of accepted) {
    const handle = parseHandle(base + last)
    assert.ok(handle !== undefined && handleFromBytes(handleBytes(handle)) === handle)
  }
})

test('a grant that starts with its token has the token’s bits under its own prefix', () => {
  const handle = mintHandle(new SeededRandom('grant'))
  assert.equal(grantOf(handle), `grt_${handle.slice(4)}`)
})

test('a digest of another length is a bug, not an answer', () => {
  assert.equal(tokenDigest('d'.repeat(43)), 'd'.repeat(43))
  for (const length of [0, 42, 44]) assert.throws(() => tokenDigest('d'.repeat(length)), ContractBroken)
})

test('a realm’s name is 1 to 63 of a-z, 0-9 and inner hyphens', () => {
  for (const name of ['a', '0', 'a-b', 'a--b', 'default', 'a'.repeat(63), `a${'-'.repeat(61)}a`]) {
    assert.equal(parseRealmName(name), name)
  }
  const refused = ['', '-', '-a', 'a-', 'A', 'a_b', 'a.b', 'a/b', 'ä', 'a b', 'a\n', 'a\0', '..', '%61']
  for (const name of [...refused, 'a'.repeat(64)]) assert.equal(parseRealmName(name), undefined, name)
})
