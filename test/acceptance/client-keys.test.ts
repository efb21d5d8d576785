import assert from 'node:assert/strict'
import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { after, before, test } from 'node:test'
import * as jose from 'jose'
import { ASSERTION_TYPE, ISSUER, type Members, OauthWorld } from '../kit/world-oauth.ts'

/*
 * An algorithm in the metadata works with every key that fits it, for all members that the key has or omits. No other
 * algorithm works.
 */

let world: OauthWorld
before(async () => {
  world = await OauthWorld.open()
})
after(() => world.close())

type Pair = { readonly privateKey: KeyObject; readonly publicKey: KeyObject }
const PAIRS: Readonly<Record<string, Pair>> = {
  EC: generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  RSA: generateKeyPairSync('rsa', { modulusLength: 2_048 }),
  OKP: generateKeyPairSync('ed25519'),
}
const FITTING: Readonly<Record<string, string>> = { ES256: 'EC', RS256: 'RSA', PS256: 'RSA', EdDSA: 'OKP' }
const ENDPOINTS = ['', '/revoke', '/introspect']

let nth = 0

/** A client whose only key has these members. */
async function register(
  type: string,
  says: Members,
): Promise<{ readonly clientId: string; readonly status: number }> {
  nth += 1
  const clientId = `keyed-${nth}`
  const jwks = { keys: [{ ...PAIRS[type]?.publicKey.export({ format: 'jwk' }), ...says }] }
  const grantTypes = ['client_credentials']
  const { status } = await world.control('POST', '/clients', { clientId, grantTypes, scopes: ['read'], jwks })
  return { clientId, status }
}

async function present(
  clientId: string,
  type: string,
  header: jose.JWTHeaderParameters,
  path = '',
): Promise<number> {
  nth += 1
  const now = Math.floor(world.server.clock.wallMs() / 1_000)
  const claims = { iss: clientId, sub: clientId, aud: ISSUER, exp: now + 60, jti: `jti-${nth}` }
  const signing = new jose.SignJWT(claims).setProtectedHeader(header)
  const client_assertion = await signing.sign(PAIRS[type]?.privateKey as KeyObject)
  const form = {
    grant_type: 'client_credentials',
    token: 'x',
    client_assertion_type: ASSERTION_TYPE,
    client_assertion,
  }
  return (await world.form(path, undefined, form)).status
}

test('[W11] every advertised algorithm is in the table below', async () => {
  const { body } = await world.send('/.well-known/oauth-authorization-server/api/id/v1')
  for (const endpoint of ['token', 'revocation', 'introspection'])
    assert.deepEqual(body[`${endpoint}_endpoint_auth_signing_alg_values_supported`], Object.keys(FITTING))
})

for (const [alg, type] of Object.entries(FITTING)) {
  for (const says of [{}, { alg }, { kid: 'one' }, { use: 'sig' }, { key_ops: ['verify'] }]) {
    test(`[W11] ${alg} proves a client at every endpoint with an ${type} key that says ${JSON.stringify(says)}`, async () => {
      const { clientId, status } = await register(type, says)
      assert.equal(status, 201)
      const kid = 'kid' in says ? { kid: says.kid } : {}
      for (const path of ENDPOINTS)
        assert.equal(await present(clientId, type, { alg, ...kid }, path), 200, path)
    })
  }
}

test('[W11] the newer name of EdDSA with this curve is accepted in keys and headers (RFC 9864)', async () => {
  for (const says of [{}, { alg: 'EdDSA' }, { alg: 'Ed25519' }]) {
    const { clientId } = await register('OKP', says)
    for (const alg of ['EdDSA', 'Ed25519']) assert.equal(await present(clientId, 'OKP', { alg }), 200)
  }
})

test('[W11] [D03] a key that names its algorithm works with no other, and a key of another type with none', async () => {
  for (const [says, alg] of [
    ['RS256', 'PS256'],
    ['PS256', 'RS256'],
  ] as const) {
    const { clientId } = await register('RSA', { alg: says })
    assert.equal(await present(clientId, 'RSA', { alg }), 401, `${alg} with a key for ${says}`)
    assert.equal(await present(clientId, 'RSA', { alg: says }), 200)
  }
  for (const alg of ['RS384', 'RS512', 'PS384', 'PS512']) {
    const { clientId } = await register('RSA', {})
    assert.equal(await present(clientId, 'RSA', { alg }), 401, `${alg} is not advertised`)
  }
  const { clientId } = await register('EC', {})
  for (const [alg, type] of Object.entries(FITTING))
    if (type !== 'EC') assert.equal(await present(clientId, type, { alg }), 401, `${alg} for an EC key`)
})

test('[M01] [M02] [W11] the public key is not accepted as a secret, nor a JWS without a signature', async () => {
  const { clientId } = await register('RSA', {})
  const now = Math.floor(world.server.clock.wallMs() / 1_000)
  const claims = { iss: clientId, sub: clientId, aud: ISSUER, exp: now + 60, jti: 'none' }
  const pem = PAIRS['RSA']?.publicKey.export({ format: 'pem', type: 'spki' }) as string
  const forged = await new jose.SignJWT(claims).setProtectedHeader({ alg: 'HS256' }).sign(Buffer.from(pem))
  const unsigned = new jose.UnsecuredJWT(claims).encode()
  for (const client_assertion of [forged, unsigned, `${unsigned}AA`]) {
    const form = { grant_type: 'client_credentials', client_assertion_type: ASSERTION_TYPE, client_assertion }
    assert.equal((await world.form('', undefined, form)).status, 401)
  }
})

test('[W11] a key for an unsupported algorithm is refused at registration, not at use', async () => {
  const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-384' })
  for (const key of [
    { ...PAIRS['RSA']?.publicKey.export({ format: 'jwk' }), alg: 'RS512' },
    { ...PAIRS['RSA']?.publicKey.export({ format: 'jwk' }), use: 'enc' },
    { ...PAIRS['EC']?.publicKey.export({ format: 'jwk' }), alg: 'RS256' },
    publicKey.export({ format: 'jwk' }),
  ]) {
    const client = { clientId: 'unspoken', grantTypes: ['client_credentials'], jwks: { keys: [key] } }
    assert.equal((await world.control('POST', '/clients', client)).status, 422)
  }
})
