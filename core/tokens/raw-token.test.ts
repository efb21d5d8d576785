import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { inspect } from 'node:util'
import { DIGEST_KEY } from '../../test/kit/samples.ts'
import { RawToken, TOKEN_MAX_BYTES } from './raw-token.ts'

function parsed(text: string): RawToken {
  const raw = RawToken.parse(text)
  assert.ok(raw !== undefined, `${text.length} units are a token`)
  return raw
}

test('8,192 bytes can be a token, 8,193 cannot, whatever their number of characters', () => {
  assert.equal(TOKEN_MAX_BYTES, 8_192)
  const units = [
    ['a', 1],
    ['é', 2],
    ['名', 3],
    ['\u{1f511}', 4],
  ] as const
  for (const [unit, bytes] of units) {
    const full = unit.repeat(Math.floor(TOKEN_MAX_BYTES / bytes))
    const padded = full + 'a'.repeat(TOKEN_MAX_BYTES - Buffer.byteLength(full))
    assert.equal(Buffer.byteLength(padded), TOKEN_MAX_BYTES)
    assert.equal(parsed(padded).reveal(), padded)
    assert.equal(RawToken.parse(`${padded}a`), undefined)
    assert.equal(RawToken.parse(padded.slice(0, -1) + unit + unit), undefined)
  }
})

test('short text of three-byte characters is counted correctly at the length where counting starts', () => {
  const third = Math.floor(TOKEN_MAX_BYTES / 3)
  assert.ok(RawToken.parse('名'.repeat(third)) !== undefined)
  assert.equal(RawToken.parse('名'.repeat(third + 1)), undefined)
  assert.ok(RawToken.parse('a'.repeat(third + 1)) !== undefined)
})

test('the empty text is no token', () => {
  assert.equal(RawToken.parse(''), undefined)
})

test('[N09] text that holds NUL is no token, wherever it stands', () => {
  for (const text of ['\0', '\0a', 'a\0', 'a\0b']) assert.equal(RawToken.parse(text), undefined)
})

test('[D09] lone surrogates are no token, because all of them would be hashed alike', () => {
  for (const text of ['\ud800', '\udc00', 'a\ud83d', '\ud83da', '\udd11\ud83d', 'a\udfff']) {
    assert.equal(RawToken.parse(text), undefined)
  }
  assert.ok(RawToken.parse('\ud83d\udd11') !== undefined, 'a pair is a character')
})

test('the digest is SHA-256 of the realm’s digest key and the exact bytes (model §2.1)', () => {
  for (const text of ['a', 'é', '名'.repeat(1_000), '\u{1f511} ', 'x'.repeat(8_192)]) {
    const expected = createHash('sha256')
      .update(Buffer.from(DIGEST_KEY, 'ascii'))
      .update(Buffer.from(text, 'utf8'))
      .digest('base64url')
    assert.equal(parsed(text).digest(DIGEST_KEY), expected)
  }
})

test('[D06] texts that look alike have different digests, and so do realms', () => {
  const texts = [
    'e\u0301',
    'é',
    'É',
    'é ',
    ' é',
    'K',
    '\u212a',
    'a',
    'a\u200d',
    '\ufeffa',
    'A',
    'a\n',
    'a=',
    'a%20',
  ]
  const digests = texts.flatMap((text) => [
    parsed(text).digest(DIGEST_KEY),
    parsed(text).digest('K'.repeat(43)),
  ])
  assert.equal(new Set(digests).size, texts.length * 2)
})

test('the text leaves only through `reveal`', () => {
  const secret = 'hunter2-the-token'
  const raw = parsed(secret)
  const seen = [
    `${raw}`,
    String(raw),
    JSON.stringify({ raw }),
    inspect(raw, { showHidden: true, depth: 9 }),
    Object.keys(raw).join(),
    JSON.stringify({ ...raw }),
  ]
  for (const text of seen) assert.ok(!text.includes(secret), text)
  assert.equal(raw.reveal(), secret)
})
