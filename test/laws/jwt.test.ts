import assert from 'node:assert/strict'
import { test } from 'node:test'
import { makePrivateMembers } from '@rescind/authority'
import type { Json, JsonObject, SignatureAlgorithm } from '@rescind/core/bytes'
import {
  audienceOf,
  candidateKeys,
  exportPublicJwk,
  importJwks,
  importPrivateJwk,
  importPublicJwk,
  JWS_MAX_CHARS,
  KEYS_MAX,
  numericDateMs,
  type ParsedJws,
  parseJws,
  SIGNATURE_ALGORITHMS,
  type SigningKey,
  signJws,
  type VerificationKey,
  verifyJws,
} from '@rescind/core/tokens'
import fc from 'fast-check'
import * as jose from 'jose'
import { verifySignature } from '../../core/crypto/signatures.ts'
import { SeededRandom } from '../kit/seeded-random.ts'

type Pair = { readonly signing: SigningKey; readonly verifying: VerificationKey; readonly jwk: JsonObject }

async function pair(algorithm: SignatureAlgorithm, seed = 'keys'): Promise<Pair> {
  const members = await makePrivateMembers(algorithm, new SeededRandom(seed))
  const jwk = exportPublicJwk(members, algorithm)
  const signing = importPrivateJwk(members, algorithm)
  const verifying = importPublicJwk(jwk)
  assert.ok(signing !== undefined && verifying !== undefined)
  return { signing, verifying, jwk }
}

function parsed(text: string): ParsedJws {
  const jws = parseJws(text)
  assert.ok(jws !== undefined, text)
  return jws
}

const part = (value: unknown): string => Buffer.from(JSON.stringify(value), 'utf8').toString('base64url')
const CLAIMS: JsonObject = { iss: 'https://a.example', sub: 'ü', n: 1 }

for (const algorithm of SIGNATURE_ALGORITHMS) {
  test(`${algorithm}: what we sign, jose verifies, and what jose signs, we verify`, async () => {
    const { signing, verifying, jwk } = await pair(algorithm)
    const text = signJws(CLAIMS, 'at+jwt', signing)
    const { payload, protectedHeader } = await jose.jwtVerify(
      text,
      await jose.importJWK(jwk as jose.JWK, algorithm),
    )
    assert.deepEqual(payload, { ...CLAIMS })
    assert.deepEqual(protectedHeader, { alg: algorithm, typ: 'at+jwt', kid: signing.keyId })
    assert.equal(await jose.calculateJwkThumbprint(jwk as jose.JWK), verifying.keyId)

    const theirs = await jose.generateKeyPair(algorithm, { extractable: true })
    const signed = await new jose.SignJWT({ a: 1 })
      .setProtectedHeader({ alg: algorithm })
      .sign(theirs.privateKey)
    const key = importPublicJwk(await jose.exportJWK(theirs.publicKey), algorithm)
    assert.ok(key !== undefined)
    assert.equal(verifyJws(parsed(signed), key), true)
    assert.equal(verifyJws(parsed(signed), verifying), false)
  })
}

test('RFC 7515 appendix A.3 and RFC 8037 appendix A.4 verify', () => {
  const es256 = importPublicJwk({
    kty: 'EC',
    crv: 'P-256',
    x: 'f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU',
    y: 'x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0',
  })
  const jws =
    'eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.' +
    'DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q'
  assert.ok(es256 !== undefined)
  assert.equal(verifyJws(parsed(jws), es256), true)

  const ed = importPublicJwk({ kty: 'OKP', crv: 'Ed25519', x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo' })
  assert.equal(ed?.keyId, 'kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k', 'RFC 8037 appendix A.3')
  assert.ok(ed !== undefined)
  const signature = 'hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg'
  const signed = 'eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc'
  assert.equal(verifySignature(ed, signed, Buffer.from(signature, 'base64url')), true)
  // Its payload is not JSON, so it is not a JWT.
  assert.equal(parseJws(`${signed}.${signature}`), undefined)
})

test('RFC 7638 §3.1: the thumbprint of the example is the one it prints', () => {
  const n =
    '0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMs' +
    'tn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbI' +
    'SD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw'
  const key = importPublicJwk({ kty: 'RSA', n, e: 'AQAB', alg: 'RS256', kid: '2011-04-29' })
  assert.equal(key?.keyId, 'NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs')
  assert.equal(key.kid, '2011-04-29')
})

test('[M01] [M02] RFC 8725 §3.1: a header that names another algorithm than the key is pinned to is refused', async () => {
  const { signing, verifying, jwk } = await pair('ES256')
  const [, payload = '', signature = ''] = signJws(CLAIMS, 'JWT', signing).split('.')
  for (const alg of [
    'none',
    'None',
    'noNE',
    '',
    'HS256',
    'RS256',
    'PS256',
    'EdDSA',
    'es256',
    'ES256 ',
    'ES384',
  ]) {
    assert.equal(verifyJws(parsed(`${part({ alg })}.${payload}.${signature}`), verifying), false, alg)
  }
  for (const alg of [undefined, null, 0, [], {}, true]) {
    assert.equal(parseJws(`${part({ alg })}.${payload}.${signature}`), undefined, String(alg))
  }
  // HS256 keyed with every text of our public key.
  const texts = [JSON.stringify(jwk), await jose.exportSPKI((await jose.importJWK(jwk)) as jose.CryptoKey)]
  for (const text of [...texts, `${texts[1]}\n`, ` ${texts[1]}`]) {
    const forged = await new jose.SignJWT({}).setProtectedHeader({ alg: 'HS256' }).sign(Buffer.from(text))
    assert.equal(verifyJws(parsed(forged), verifying), false)
  }
})

test('RSA by PKCS #1 never passes for PSS, nor the other way round', async () => {
  const members = await makePrivateMembers('RS256', new SeededRandom())
  for (const [by, other] of [
    ['RS256', 'PS256'],
    ['PS256', 'RS256'],
  ] as const) {
    const signing = importPrivateJwk(members, by)
    const verifying = importPublicJwk(exportPublicJwk(members, other))
    assert.ok(signing !== undefined && verifying !== undefined)
    const jws = parsed(signJws(CLAIMS, 'JWT', signing))
    assert.equal(verifyJws(jws, verifying), false)
    assert.equal(verifyJws({ ...jws, algorithm: other }, verifying), false)
  }
})

test('changing any character gives an invalid JWS or an invalid signature', async () => {
  const { signing, verifying } = await pair('EdDSA')
  const text = signJws(CLAIMS, 'JWT', signing)
  const changes = fc.tuple(fc.nat(text.length - 1), fc.constantFrom(...'AQgwZz09-_.=+/ \n"{'))
  fc.assert(
    fc.property(changes, ([at, char]) => {
      fc.pre(text[at] !== char)
      const jws = parseJws(text.slice(0, at) + char + text.slice(at + 1))
      assert.ok(jws === undefined || !verifyJws(jws, verifying))
    }),
    { numRuns: 500 },
  )
})

test('[M07] only the compact form of three canonical segments is parsed', async () => {
  const { signing } = await pair('EdDSA')
  const text = signJws(CLAIMS, 'JWT', signing)
  const [head = '', payload = '', signature = ''] = text.split('.')
  const broken = [
    '',
    '.',
    '..',
    '.'.repeat(JWS_MAX_CHARS),
    `${head}.${payload}`,
    `${text}.`,
    `${text}.a.b`,
    `${head}.${payload}.`,
    `${text}=`,
    ` ${text}`,
    `${text}\n`,
    `${head}.${payload}.${signature.slice(0, -1)}${signature.at(-1) === 'B' ? 'C' : 'B'}`,
    JSON.stringify({ protected: head, payload, signature }),
    JSON.stringify({ payload, signatures: [{ protected: head, signature }] }),
    `${part([1])}.${payload}.${signature}`,
    `${head}.${part('text')}.${signature}`,
    `${Buffer.from('{"alg":"EdDSA","alg":"EdDSA"}').toString('base64url')}.${payload}.${signature}`,
    `${head}.${Buffer.from('{"sub":"a","sub":"b"}').toString('base64url')}.${signature}`,
    `${head}.${Buffer.from('{"sub":"a"} x').toString('base64url')}.${signature}`,
    `${head}.${Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]).toString('base64url')}.${signature}`,
  ]
  for (const one of broken) assert.equal(parseJws(one), undefined, one.slice(0, 80))
})

test('[M10] RFC 7515 §4.1.11: extensions are refused, and so is what is encrypted, compressed or unencoded', () => {
  for (const more of [
    { crit: [] },
    { crit: ['b64'], b64: false },
    { b64: true },
    { enc: 'A128GCM' },
    { zip: 'DEF' },
  ])
    assert.equal(parseJws(`${part({ alg: 'EdDSA', ...more })}.${part({})}.AAAA`), undefined)
  for (const kid of ['', 1, null, 'x'.repeat(257)])
    assert.equal(parseJws(`${part({ alg: 'EdDSA', kid })}.${part({})}.AAAA`), undefined)
  assert.equal(parseJws(`${part({ alg: 'EdDSA', typ: 1 })}.${part({})}.AAAA`), undefined)
  assert.equal(parsed(`${part({ alg: 'EdDSA', typ: 'application/AT+JWT' })}.${part({})}.AAAA`).typ, 'at+jwt')
})

test('[M03] [M04] keys in the header are never used', async () => {
  const { verifying } = await pair('ES256')
  const attacker = await pair('ES256', 'attacker')
  const header = { alg: 'ES256', jwk: attacker.jwk, jku: 'https://evil.example', x5u: 'https://evil.example' }
  const jws = parsed(signJws(CLAIMS, 'JWT', attacker.signing))
  const forged = parsed(`${part(header)}.${part(CLAIMS)}.${Buffer.from(jws.signature).toString('base64url')}`)
  assert.equal(verifyJws(forged, verifying), false)
})

test('[M08] a JWS is parsed up to JWS_MAX_CHARS, and no longer', () => {
  const head = part({ alg: 'EdDSA' })
  const sized = (chars: number): string => {
    // Claims grow in groups of four characters; the remainder goes into the signature.
    const room = chars - head.length - 2
    const signature = 8 + ((room - 8) % 4)
    const bytes = ((room - signature) / 4) * 3
    const claims = Buffer.from(`{"a":"${'x'.repeat(bytes - 8)}"}`).toString('base64url')
    return `${head}.${claims}.${'A'.repeat(signature)}`
  }
  const most = [JWS_MAX_CHARS, JWS_MAX_CHARS - 1].map(sized)
  assert.ok(most.some((text) => parseJws(text) !== undefined))
  const tooLong = sized(JWS_MAX_CHARS + 4)
  assert.ok(tooLong.length > JWS_MAX_CHARS)
  assert.equal(parseJws(tooLong), undefined)
})

test('a JWK that is private, symmetric, weak, malformed or not for signatures is refused', async () => {
  const ec = (await pair('ES256')).jwk
  const members = await makePrivateMembers('ES256', new SeededRandom('keys'))
  const { publicKey } = await jose.generateKeyPair('RS256', { extractable: true })
  const rsa = (await jose.exportJWK(publicKey)) as JsonObject
  const small = Buffer.alloc(128, 0xff).toString('base64url')
  const bad: readonly Json[] = [
    null,
    'text',
    [],
    {},
    { ...members },
    { kty: 'oct', k: 'AAAA' },
    { ...ec, use: 'enc' },
    { ...ec, key_ops: ['sign'] },
    { ...ec, key_ops: 'verify' },
    { ...ec, alg: 'RS256' },
    { ...ec, alg: 'ECDH-ES' },
    { ...ec, crv: 'P-384' },
    { ...ec, kty: '__proto__' },
    { ...ec, x: `${String(ec.x)}=` },
    { ...ec, y: ec.x ?? '' },
    { ...ec, x: 1 },
    { ...ec, kid: '' },
    { ...ec, kid: 'x'.repeat(257) },
    { ...rsa, n: small },
    { ...rsa, e: 'Aw' },
    { ...rsa, e: 'AQAC' },
    { ...rsa, alg: 'HS256' },
    { kty: 'OKP', crv: 'X25519', x: 'hSDwCYkwp1R0i33ctD73Wg2_Og0mOBr066SpjqqbTmo' },
  ]
  for (const one of bad) assert.equal(importPublicJwk(one), undefined, JSON.stringify(one).slice(0, 120))
  assert.equal(importPublicJwk(ec, 'RS256'), undefined)
  assert.equal(importPublicJwk(rsa, 'PS256')?.algorithm, 'PS256')
  assert.equal(importPublicJwk(rsa)?.algorithm, 'RS256')
})

test('the usable keys of a key set are taken, however many there are; anything but a set is refused [W15]', async () => {
  const { jwk } = await pair('ES256')
  assert.equal(importJwks({ keys: [jwk, { kty: 'oct', k: 'AAAA' }, jwk] })?.length, 2)
  assert.equal(importJwks({ keys: Array.from({ length: KEYS_MAX + 1 }, () => jwk) })?.length, KEYS_MAX + 1)
  for (const one of [null, [], {}, { keys: {} }]) assert.equal(importJwks(one), undefined)
})

test('candidates are the keys that kid names, by id or thumbprint; without kid a few of the algorithm', async () => {
  const one = (await pair('ES256', 'one')).verifying
  const two = { ...(await pair('ES256', 'two')).verifying, kid: 'theirs' }
  const other = (await pair('EdDSA')).verifying
  const keys = [one, two, other]
  const named = (kid?: string): readonly string[] =>
    candidateKeys(parsed(`${part({ alg: 'ES256', kid })}.${part({})}.AAAA`), keys).map(({ keyId }) => keyId)
  assert.deepEqual(named(), [one.keyId, two.keyId])
  assert.deepEqual(named('theirs'), [two.keyId])
  assert.deepEqual(named(two.keyId), [two.keyId])
  assert.deepEqual(named(other.keyId), [])
  assert.deepEqual(named('../../dev/null'), [])
  const many = Array.from({ length: 32 }, () => one)
  assert.equal(candidateKeys(parsed(`${part({ alg: 'ES256' })}.${part({})}.AAAA`), many).length, 4)
})

test('dates and audiences are parsed as RFC 7519 defines them, or refused', () => {
  assert.equal(numericDateMs(1_772_366_400), 1_772_366_400_000)
  assert.equal(numericDateMs(1.5), 1_500)
  for (const one of ['1', null, -1, 1e15, undefined, []]) assert.equal(numericDateMs(one), undefined)
  assert.deepEqual(audienceOf('a'), ['a'])
  assert.deepEqual(audienceOf(['a', 'b']), ['a', 'b'])
  for (const one of [undefined, null, 1, {}, ['a', 1]]) assert.equal(audienceOf(one), undefined)
})
