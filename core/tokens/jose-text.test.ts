import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { DIGEST_KEY } from '../../test/kit/samples.ts'
import { spellingsOf } from '../../test/kit/spellings.ts'
import { type JoseForm, joseForm } from './jose-text.ts'
import { JWS_MAX_CHARS, RawToken, TOKEN_MAX_BYTES } from './raw-token.ts'

const part = (text: string | Uint8Array): string => Buffer.from(text).toString('base64url')
const HEADER = part('{"alg":"ES256"}')
const PAYLOAD = part('{"iss":"https://a.example","jti":"1"}')
const SIGNATURE = part(Buffer.alloc(64, 9))
const JWS = `${HEADER}.${PAYLOAD}.${SIGNATURE}`

function known(text: string): string {
  const raw = RawToken.parse(text)
  assert.ok(raw !== undefined, text)
  return raw.knownBy(DIGEST_KEY)
}

const signed = (claims: object, header: object = { alg: 'ES256' }, signature = SIGNATURE): string =>
  `${part(JSON.stringify(header))}.${part(JSON.stringify(claims))}.${signature}`

test('[W5] a JWS is recognised by its structure, however its header is written (RFC 7519 §3)', () => {
  const headers = [
    '{"alg":"RS256"}',
    '{\n  "alg": "RS256",\n  "typ": "JWT"\n}',
    ' {"alg":"x"}',
    '\t{ "alg":"x"}\r\n',
  ]
  for (const header of [...headers, '{"typ":"JWT"}', '{}'])
    assert.equal(joseForm(`${part(header)}.${PAYLOAD}.${SIGNATURE}`), 'signed', header)
  const cases: readonly (readonly [string, JoseForm])[] = [
    ['test-token$123', 'opaque'],
    ['a.b.c', 'opaque'],
    ['eyJ', 'opaque'],
    ['eyJ.eyJ.eyJ', 'opaque'],
    [`${part('[1]')}.${PAYLOAD}.${SIGNATURE}`, 'opaque'],
    [`.${PAYLOAD}.${SIGNATURE}`, 'opaque'],
    ['{"a": "no signature"}', 'opaque'],
    // Unsecured (RFC 7515 §6): a service that accepts it decides what it is worth.
    [`${part('{"alg":"none"}')}.${PAYLOAD}.`, 'signed'],
    // The same style, as frameworks make them: a JSON object, a dot, a signature.
    [`${part('{"user":1}')}.${SIGNATURE}`, 'signed'],
    [`${HEADER}.${PAYLOAD}`, 'broken'],
    // Detached (RFC 7515 appendix F): its payload is elsewhere.
    [`${HEADER}..${SIGNATURE}`, 'broken'],
    [
      `${part('{"alg":"dir","enc":"A128GCM"}')}..${part('iv')}.${part('text')}.${part(Buffer.alloc(16))}`,
      'encrypted',
    ],
    [`${part('{"alg":"dir","enc":"A128GCM"}')}..${part('iv')}.${part('text')}.AB`, 'broken'],
    [`${HEADER}.${PAYLOAD}.${SIGNATURE}.${SIGNATURE}`, 'broken'],
  ]
  for (const [text, form] of cases) assert.equal(joseForm(text), form, text)
})

test('[H14] a JWS has one spelling in base64url: every other one is refused', () => {
  for (const { how, text, of } of spellingsOf(JWS)) {
    assert.equal(RawToken.parse(text) === undefined, of === 'text', how)
    if (of === 'text') assert.equal(RawToken.refusalOf(text), 'not-canonical', how)
  }
  assert.equal(spellingsOf(JWS).filter(({ how }) => /^stray bits \d/.test(how)).length, 15)
})

test('[H14] a header that only lenient readers take for JSON still makes a signed token, whatever its signature', () => {
  const headers = [
    '{"alg":"ES256","alg":"ES256"}',
    '\ufeff{"alg":"ES256"}',
    '{"alg":"ES256","x":"\\u0000"}',
    '{"alg":"ES256","__proto__":{}}',
    `{"alg":"ES256","x":${'['.repeat(40)}${']'.repeat(40)}}`,
    Buffer.from('{"alg":"ES256","x":"\xe9"}', 'latin1'),
  ]
  for (const header of headers) {
    const jws = `${part(header)}.${PAYLOAD}.${SIGNATURE}`
    assert.equal(joseForm(jws), 'signed', String(header))
    assert.equal(known(jws), known(jws.replace(SIGNATURE, part(Buffer.alloc(64, 1)))))
    for (const text of [`${jws}=`, `${jws}.`, ` ${jws}`, `Bearer ${jws}`, `${jws.slice(0, -1)}R`])
      assert.equal(RawToken.parse(text), undefined, text)
  }
})

test('[H14] a JWE is known by all but its tag, and so is one whose tag was cut short', () => {
  const jwe = `${part('{"alg":"dir","enc":"A256GCM"}')}..${part('iv')}.${part('text')}`
  const tag = Buffer.alloc(32, 7)
  const name = known(`${jwe}.${part(tag)}`)
  const cutoff = (bytes: number): string => `${jwe}.${part(tag.subarray(0, bytes))}`
  for (const bytes of [16, 24, 31]) assert.equal(known(cutoff(bytes)), name)
  for (const bytes of [0, 4, 8, 12, 13, 14, 15]) assert.equal(RawToken.parse(cutoff(bytes)), undefined)
  assert.notEqual(known(`${jwe.slice(0, -2)}AA.${part(tag)}`), name)
})

test('[H14] text that only resembles a JWS stays opaque', () => {
  for (const text of [
    '{3F2504E0-4F89-11D3}',
    'a%2Eb.c',
    '100%.x',
    'Bearer a.b.c',
    'k=v.w',
    'sid.eyJ1IjoxfQ',
    '{}[]"!',
  ])
    assert.equal(joseForm(text), 'opaque', text)
})

test('[H14] whatever bytes the parts hold, only a change of the signature leaves a token', () => {
  const bytes = fc.uint8Array({ minLength: 1, maxLength: 40 })
  fc.assert(
    fc.property(bytes, bytes, (payload, signature) => {
      const jws = `${HEADER}.${part(payload)}.${part(signature)}`
      const name = known(jws)
      for (const { text, of } of spellingsOf(jws)) {
        if (of === 'signature') assert.equal(known(text), name)
        else assert.equal(RawToken.parse(text), undefined)
      }
    }),
  )
})

test('[H14] a JWS is known by issuer and jti, or by what was signed, and never by its signature (model §2.4)', () => {
  const other = part(Buffer.alloc(64, 1))
  const pair = { iss: 'https://a.example', jti: 'j1' }
  assert.equal(known(signed(pair)), known(signed({ ...pair, iat: 9 }, { alg: 'ES256', kid: 'two' }, other)))
  const apart = [
    pair,
    { iss: 'https://a.example', jti: 'j2' },
    { iss: 'https://b.example', jti: 'j1' },
    { iss: 'https://a.example' },
    { jti: 'j1' },
    { iss: 'https://a.example', jti: 1 },
    { iss: 'https://a.example', jti: '' },
    { iss: 'https://a.examplej', jti: '1' },
    { iss: '', jti: 'j1' },
  ].map((claims) => signed(claims))
  assert.equal(new Set(apart.map(known)).size, apart.length)
  for (const text of apart) assert.equal(known(text), known(text.replace(SIGNATURE, other)), text)
  // A payload that two readers could read differently identifies nothing, so the signing input does.
  const twice = `${HEADER}.${part('{"iss":"i","jti":"1","jti":"2"}')}`
  assert.equal(known(`${twice}.${SIGNATURE}`), known(`${twice}.${other}`))
  assert.notEqual(known(`${twice}.${SIGNATURE}`), known(signed({ iss: 'i', jti: '1' })))
  // A JWT minted here names its handle, and is known by its bytes or by the handle.
  const minted = signed({ jti: `tok_${'a'.repeat(21)}A` })
  assert.equal(RawToken.parse(minted)?.looksMinted, true)
  assert.notEqual(known(minted), known(minted.replace(SIGNATURE, other)))
  assert.equal(known('opaque'), RawToken.parse('opaque')?.digest(DIGEST_KEY))
})

test('[R1] opaque text has 8,192 bytes at most, a JWS 16,384 characters, and longer text is refused as too long', () => {
  const sized = (chars: number): string => {
    const room = chars - HEADER.length - SIGNATURE.length - 2
    return `${HEADER}.${'A'.repeat(room)}.${SIGNATURE}`
  }
  const most = [JWS_MAX_CHARS, JWS_MAX_CHARS - 1].find((chars) => joseForm(sized(chars)) === 'signed') ?? 0
  assert.ok(most > TOKEN_MAX_BYTES && RawToken.parse(sized(most)) !== undefined)
  assert.ok(RawToken.parse(sized(8_602)) !== undefined)
  for (const text of [
    'x'.repeat(TOKEN_MAX_BYTES + 1),
    `${'A'.repeat(8_000)}.${'A'.repeat(400)}`,
    sized(JWS_MAX_CHARS + 4),
  ]) {
    assert.equal(RawToken.parse(text), undefined)
    assert.equal(RawToken.refusalOf(text), 'too-long')
  }
  assert.equal(RawToken.refusalOf(''), 'empty')
  assert.equal(RawToken.refusalOf('a\0'), 'no-text')
  assert.equal(RawToken.refusalOf('x'.repeat(TOKEN_MAX_BYTES)), undefined)
})
