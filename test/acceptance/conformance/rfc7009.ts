import assert from 'node:assert/strict'
import { ISSUER } from '../../kit/world-oauth.ts'
import { assertError, assertInactive, type Clause, clauses, elsewhere, granted } from './clause.ts'

export const RFC7009: readonly Clause[] = clauses('RFC 7009', [
  [
    '2 (1)',
    'MUST',
    'Refresh tokens can be revoked.',
    async (cast) => {
      const { world, svc } = cast
      const { refresh } = await granted(cast, svc)
      assert.equal((await world.revoke(svc, refresh)).status, 200)
      assertError(await world.refresh(svc, refresh), 400, 'invalid_grant')
    },
  ],
  [
    '2 (2)',
    'SHOULD',
    'Access tokens can be revoked, JWTs among them.',
    async (cast) => {
      for (const client of [cast.svc, cast.signed]) {
        const token = await cast.world.access(client)
        assert.equal((await cast.world.revoke(client, token)).status, 200)
        await assertInactive(cast, cast.gateway, token)
      }
    },
  ],
  [
    '2 (3)',
    'MAY',
    'The endpoint is found by metadata.',
    async ({ world }) => {
      const { body } = await world.send('/.well-known/oauth-authorization-server/api/id/v1')
      assert.equal(body['revocation_endpoint'], `${ISSUER}/auth/token/revoke`)
    },
  ],
  [
    '2 (4)',
    'MUST',
    'Nothing crosses a network in clear: the server does not start so.',
    elsewhere('test/faults/settings.test.ts'),
  ],
  [
    '2.1 (1)',
    'MUST',
    'The parameters come as a form in the body of a POST; `token` is required.',
    async ({ world, svc }) => {
      for (const form of [{}, { token: '' }])
        assertError(await world.form('/revoke', svc, form), 400, 'invalid_request')
      const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"token":"x"}' }
      assertError(await world.send('/api/id/v1/auth/token/revoke', init), 400, 'invalid_request')
    },
  ],
  [
    '2.1 (2)',
    'MUST',
    "The client's credentials are proved first; who fails changes nothing.",
    async (cast) => {
      const { world, svc } = cast
      const token = await world.access(svc)
      assertError(await world.revoke({ ...svc, clientSecret: 'wrong' }, token), 401, 'invalid_client')
      assert.equal(await world.isActive(svc, token), true)
    },
  ],
  [
    '2.1 (3)',
    'MUST',
    'The token must have been issued to the client; else the request is refused with an error, and nothing happens.',
    async ({ world, svc, other }) => {
      const token = await world.access(svc)
      const refused = await world.revoke(other, token)
      assert.equal(refused.status, 403)
      assert.equal(refused.body['error'], 'Forbidden')
      assert.equal(await world.isActive(svc, token), true)
    },
  ],
  [
    '2.1 (4)',
    'MUST',
    'The token is over at once: every read after the answer says so.',
    async (cast) => {
      const token = await cast.world.access(cast.svc)
      await cast.world.revoke(cast.svc, token)
      for (const client of [cast.svc, cast.gateway]) await assertInactive(cast, client, token)
      const judged = await cast.world.control('POST', '/verify', { token })
      assert.ok(!judged.text.includes('"active"'), judged.text)
    },
  ],
  [
    '2.1 (5)',
    'MUST',
    'A hint that leads nowhere extends the search to all kinds of token.',
    async (cast) => {
      const { refresh } = await granted(cast, cast.svc)
      await cast.world.revoke(cast.svc, refresh, { token_type_hint: 'access_token' })
      await assertInactive(cast, cast.svc, refresh)
      const access = await cast.world.access(cast.svc)
      await cast.world.revoke(cast.svc, access, { token_type_hint: 'refresh_token' })
      await assertInactive(cast, cast.svc, access)
    },
  ],
  [
    '2.1 (6)',
    'SHOULD',
    'Revoking a refresh token ends the access tokens of the grant, JWTs among them.',
    async (cast) => {
      for (const client of [cast.svc, cast.signed]) {
        const { access, refresh } = await granted(cast, client)
        await cast.world.revoke(client, refresh)
        await assertInactive(cast, cast.gateway, access)
      }
    },
  ],
  [
    '2.1 (7)',
    'MAY',
    'Revoking an access token could end the refresh token: here it never does.',
    async (cast) => {
      const { access, refresh } = await granted(cast, cast.svc)
      await cast.world.revoke(cast.svc, access)
      assert.equal((await cast.world.refresh(cast.svc, refresh)).status, 200)
    },
  ],
  [
    '2.1 (8)',
    'MAY',
    'A public client revokes its own tokens by naming itself, and no others.',
    async (cast) => {
      const { world, svc } = cast
      const { access, refresh } = await world.grant('open')
      const foreign = await world.access(svc)
      const refused = await world.form('/revoke', undefined, { client_id: 'open', token: foreign })
      assert.equal(refused.status, 403)
      assert.equal(
        (await world.form('/revoke', undefined, { client_id: 'open', token: refresh })).status,
        200,
      )
      await assertInactive(cast, cast.gateway, access)
    },
  ],
  [
    '2.2 (1)',
    'MUST',
    '200 for what was revoked and for what is no live token: unknown, malformed, expired, revoked before.',
    async ({ world, svc }) => {
      const token = await world.access(svc)
      const texts = [
        token,
        token,
        'x',
        `${token.slice(0, -1)}?`,
        `rsa_${'0'.repeat(36)}`,
        'a.b.c',
        'eyJ.eyJ.x',
        '😀',
      ]
      for (const text of texts) {
        const answer = await world.revoke(svc, text)
        assert.equal(answer.status, 200, text)
        assert.equal(answer.text, '{}')
      }
    },
  ],
  [
    '2.2 (2)',
    'MUST',
    'An unknown hint is no error and changes nothing.',
    async (cast) => {
      const token = await cast.world.access(cast.svc)
      const answer = await cast.world.revoke(cast.svc, token, { token_type_hint: 'urn:unknown' })
      assert.equal(answer.status, 200)
      await assertInactive(cast, cast.svc, token)
    },
  ],
  [
    '2.2.1 (1)',
    'MUST',
    'Errors are those of RFC 6749 §5.2.',
    async ({ world, svc }) => {
      const twice = [
        ['token', 'a'],
        ['token', 'b'],
      ] as const
      assertError(await world.form('/revoke', svc, twice), 400, 'invalid_request')
      assertError(await world.form('/revoke', undefined, { token: 'a' }), 401, 'invalid_client')
    },
  ],
  [
    '2.2.1 (2)',
    'SHOULD',
    '503 with Retry-After while the store cannot make it durable: the token is still alive then.',
    async ({ world, svc }) => {
      const token = await world.access(svc)
      world.server.power.mode = 'down'
      const answer = await world.revoke(svc, token)
      world.server.power.mode = 'up'
      assert.equal(answer.status, 503)
      assert.ok(Number(answer.headers.get('retry-after')) > 0)
      await world.control('GET', '/clients/svc')
      assert.equal((await world.send('/readyz')).status, 200)
      assert.equal(await world.isActive(svc, token), true)
    },
  ],
  [
    '2.3 (1)',
    'MAY',
    'Scripts of any origin may call: preflight and answers allow it, without cookies.',
    async ({ world, svc }) => {
      const headers = { origin: 'https://app.example', 'access-control-request-method': 'POST' }
      const asked = await world.send('/api/id/v1/auth/token/revoke', { method: 'OPTIONS', headers })
      assert.equal(asked.status, 204)
      assert.equal(asked.headers.get('access-control-allow-origin'), '*')
      assert.match(asked.headers.get('access-control-allow-headers') ?? '', /authorization/)
      for (const answer of [
        await world.revoke(svc, 'x'),
        await world.revoke({ ...svc, clientSecret: 'no' }, 'x'),
      ]) {
        assert.equal(answer.headers.get('access-control-allow-origin'), '*')
        assert.equal(answer.headers.get('access-control-allow-credentials'), null)
      }
    },
  ],
  [
    '2.3 (2)',
    'MAY',
    'JSONP is not offered: GET is 405, whatever the query says.',
    async ({ world }) => {
      const answer = await world.send('/api/id/v1/auth/token/revoke?token=x&callback=f')
      assert.equal(answer.status, 405)
    },
  ],
])
