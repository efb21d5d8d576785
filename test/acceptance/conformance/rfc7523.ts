import assert from 'node:assert/strict'
import { assertion, ISSUER, ownKey } from '../../kit/world-oauth.ts'
import { assertError, type Cast, type Clause, clauses } from './clause.ts'

const FORM = { grant_type: 'client_credentials' }

async function refused({ world, key }: Cast, claims: object, header: object = {}): Promise<void> {
  const proof = await assertion(world, 'keyed', { key, claims: { ...claims }, header: { ...header } })
  const answer = await world.token(undefined, { ...FORM, ...proof })
  assertError(answer, 401, 'invalid_client')
}

export const RFC7523: readonly Clause[] = clauses('RFC 7523', [
  [
    '2.2 (1)',
    'MUST',
    'An assertion proves the client at every endpoint; a client_id beside it must be the same.',
    async ({ world, key }) => {
      const proof = () => assertion(world, 'keyed', { key })
      const issued = await world.token(undefined, { ...FORM, ...(await proof()), client_id: 'keyed' })
      assert.equal(issued.status, 200, issued.text)
      const token = String(issued.body['access_token'])
      const asked = await world.form('/introspect', undefined, { token, ...(await proof()) })
      assert.equal(asked.body['active'], true)
      assert.equal((await world.form('/revoke', undefined, { token, ...(await proof()) })).status, 200)
      const other = { ...FORM, ...(await proof()), client_id: 'svc' }
      assertError(await world.token(undefined, other), 401, 'invalid_client')
    },
  ],
  [
    '3 (1)',
    'MUST',
    'iss and sub are the client; exp is required, not passed, and not far away.',
    async (cast) => {
      const nowS = cast.world.server.clock.wallMs() / 1_000
      for (const wrong of [{ iss: 'svc' }, { sub: 'svc' }, { iss: undefined }, { sub: undefined }])
        await refused(cast, wrong)
      for (const exp of [undefined, nowS, nowS - 1, nowS + 86_400, 'soon']) await refused(cast, { exp })
      await refused(cast, { nbf: nowS + 600 })
      await refused(cast, { iat: nowS + 600 })
    },
  ],
  [
    '3 (2)',
    'MUST',
    '`aud` is our issuer as the sole value (the rule of its successor); a client can be excepted by a switch of its own.',
    async (cast) => {
      const { world } = cast
      const endpoint = `${ISSUER}/auth/token`
      for (const aud of [
        endpoint,
        [ISSUER],
        [ISSUER, 'https://evil.example'],
        'https://evil.example',
        undefined,
      ])
        await refused(cast, { aud })
      const key = ownKey()
      await world.client('loose', { jwks: key.jwks, assertionAudience: 'endpoint' })
      for (const aud of [endpoint, [endpoint], ISSUER]) {
        const proof = await assertion(world, 'loose', { key, claims: { aud } })
        assert.equal((await world.token(undefined, { ...FORM, ...proof })).status, 200)
      }
      const foreign = await assertion(world, 'loose', { key, claims: { aud: 'https://evil.example' } })
      assertError(await world.token(undefined, { ...FORM, ...foreign }), 401, 'invalid_client')
    },
  ],
  [
    '3 (3)',
    'MUST',
    'The signature is checked with a registered key and by its algorithm; other purposes (typ) are refused.',
    async (cast) => {
      const { world } = cast
      const proof = await assertion(world, 'keyed', { key: ownKey() })
      assertError(await world.token(undefined, { ...FORM, ...proof }), 401, 'invalid_client')
      await refused(cast, {}, { kid: 'nobody' })
      await refused(cast, {}, { typ: 'at+jwt' })
      for (const client_assertion of ['a.b.c', '', 'x', 'eyJhbGciOiJub25lIn0.e30.'])
        assert.ok((await world.token(undefined, { ...FORM, ...proof, client_assertion })).status >= 400)
    },
  ],
  [
    '3 (4)',
    'MAY',
    '`jti` is required, and an assertion is taken once, whatever endpoint it comes to.',
    async (cast) => {
      const { world, key } = cast
      await refused(cast, { jti: undefined })
      await refused(cast, { jti: '' })
      const proof = await assertion(world, 'keyed', { key })
      assert.equal((await world.token(undefined, { ...FORM, ...proof })).status, 200)
      assertError(await world.token(undefined, { ...FORM, ...proof }), 401, 'invalid_client')
      assertError(await world.form('/revoke', undefined, { token: 'x', ...proof }), 401, 'invalid_client')
      const raced = await assertion(world, 'keyed', { key })
      const answers = await Promise.all(
        Array.from({ length: 16 }, () => world.token(undefined, { ...FORM, ...raced })),
      )
      assert.equal(answers.filter(({ status }) => status === 200).length, 1)
    },
  ],
])
