import assert from 'node:assert/strict'
import * as jose from 'jose'
import { claimsOf, ISSUER } from '../../kit/world-oauth.ts'
import { API, type Clause, clauses, FILES } from './clause.ts'

export const RFC9068: readonly Clause[] = clauses('RFC 9068', [
  [
    '2.1 (1)',
    'MUST',
    'Signed, with typ at+jwt, and never by `none`; a key of the key set verifies it.',
    async ({ world, signed }) => {
      const token = await world.access(signed)
      const header = jose.decodeProtectedHeader(token)
      assert.equal(header.typ, 'at+jwt')
      assert.equal(header.alg, 'ES256')
      await jose.jwtVerify(token, jose.createLocalJWKSet(await world.keySet()), {
        issuer: ISSUER,
        audience: API,
        typ: 'at+jwt',
        currentDate: new Date(world.server.clock.wallMs()),
      })
    },
  ],
  [
    '2.1 (2)',
    'MUST',
    'RS256 is supported; so is EdDSA.',
    async ({ world }) => {
      for (const accessTokenSigningAlg of ['RS256', 'EdDSA'] as const) {
        const settings = { accessTokenFormat: 'jwt', accessTokenSigningAlg }
        const client = await world.client(`by-${accessTokenSigningAlg}`, settings)
        const token = await world.access(client)
        assert.equal(jose.decodeProtectedHeader(token).alg, accessTokenSigningAlg)
        const currentDate = new Date(world.server.clock.wallMs())
        await jose.jwtVerify(token, jose.createLocalJWKSet(await world.keySet()), { currentDate })
        assert.equal(await world.isActive(client, token), true)
      }
    },
  ],
  [
    '2.2 (1)',
    'MUST',
    'iss, exp, aud, sub, client_id, iat and jti are there.',
    async ({ world, signed }) => {
      const claims = claimsOf(await world.access(signed, { resource: API }))
      const nowS = world.server.clock.wallMs() / 1_000
      const { iss, exp, aud, sub, client_id, iat, jti } = claims
      assert.deepEqual(
        { iss, exp, aud, sub, client_id, iat },
        { iss: ISSUER, exp: nowS + 3_600, aud: API, sub: 'signed', client_id: 'signed', iat: nowS },
      )
      assert.match(String(jti), /^tok_[\w-]{22}$/)
    },
  ],
  [
    '2.2 (2)',
    'MUST',
    '`sub` is the user where there is one, and the client for client_credentials; `jti` is never the same twice.',
    async ({ world, signed }) => {
      const { access } = await world.grant('signed')
      assert.equal(claimsOf(access).sub, 'ann')
      const ids = await Promise.all(
        Array.from({ length: 20 }, async () => claimsOf(await world.access(signed)).jti),
      )
      assert.equal(new Set(ids).size, 20)
    },
  ],
  [
    '2.2.3 (1)',
    'SHOULD',
    '`scope` is there, as granted.',
    async ({ world, signed }) => {
      assert.equal(claimsOf(await world.access(signed, { scope: 'read' }))['scope'], 'read')
    },
  ],
  [
    '3 (1)',
    'MUST',
    '`aud` is the resource of the request, and a default one where none was asked for.',
    async ({ world, signed }) => {
      assert.equal(claimsOf(await world.access(signed, { resource: FILES })).aud, FILES)
      assert.deepEqual(claimsOf(await world.access(signed)).aud, [API, FILES])
      const bare = await world.client('bare-9068', { accessTokenFormat: 'jwt' })
      assert.equal(claimsOf(await world.access(bare)).aud, ISSUER)
    },
  ],
  [
    '4 (1)',
    'MUST',
    'The keys are found by metadata (jwks_uri); each has a kid, the next one before it is used.',
    async ({ world, signed }) => {
      await world.access(signed)
      const { body } = await world.send('/.well-known/oauth-authorization-server/api/id/v1')
      assert.equal(body['jwks_uri'], `${ISSUER}/jwks`)
      const { keys } = await world.keySet()
      assert.ok(keys.filter(({ alg }) => alg === 'ES256').length >= 2)
      for (const key of keys) {
        assert.equal(key.kid, await jose.calculateJwkThumbprint(key))
        assert.equal(key.use, 'sig')
        assert.equal(key.d, undefined)
      }
    },
  ],
  [
    '5 (1)',
    'MUST',
    'What else our keys sign is no access token: an introspection answer (RFC 9701) has another typ, and no exp and sub.',
    async ({ world, signed, gateway }) => {
      const token = await world.access(signed)
      const accept = { accept: 'application/token-introspection+jwt' }
      const answer = await world.introspect(gateway, token, accept)
      assert.equal(answer.headers.get('content-type'), 'application/token-introspection+jwt')
      const { payload, protectedHeader } = await jose.jwtVerify(
        answer.text,
        jose.createLocalJWKSet(await world.keySet()),
        { issuer: ISSUER, audience: 'gateway', currentDate: new Date(world.server.clock.wallMs()) },
      )
      assert.equal(protectedHeader.typ, 'token-introspection+jwt')
      assert.equal(protectedHeader.alg, 'RS256')
      assert.deepEqual(Object.keys(payload).sort(), ['aud', 'iat', 'iss', 'token_introspection'])
      assert.equal((payload['token_introspection'] as Record<string, unknown>)['active'], true)
      assert.equal(await world.isActive(gateway, answer.text), false)
      const unknown = claimsOf((await world.introspect(gateway, 'x', accept)).text)
      assert.deepEqual(unknown['token_introspection'], { active: false })
      const refused = await world.introspect(gateway, token, { accept: `${accept.accept};q=0, */*` })
      assert.match(refused.headers.get('content-type') ?? '', /^application\/json/)
    },
  ],
])
