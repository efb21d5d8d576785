import assert from 'node:assert/strict'
import { API, assertError, assertInactive, type Clause, clauses, elsewhere, granted } from './clause.ts'

export const RFC7662: readonly Clause[] = clauses('RFC 7662', [
  [
    '2.1 (1)',
    'MUST',
    'The request is a POST with a form; GET is refused, so that no token stands in a URL.',
    async ({ world }) => {
      const answer = await world.send('/api/id/v1/auth/token/introspect?token=x')
      assert.equal(answer.status, 405)
      assert.equal(answer.headers.get('allow'), 'POST')
    },
  ],
  [
    '2.1 (2)',
    'MUST',
    '`token` is required.',
    async ({ world, svc }) => assertError(await world.form('/introspect', svc, {}), 400, 'invalid_request'),
  ],
  [
    '2.1 (3)',
    'MUST',
    'A wrong or unknown hint still finds the token.',
    async (cast) => {
      const { refresh } = await granted(cast, cast.svc)
      for (const token_type_hint of ['access_token', 'unknown', '']) {
        const answer = await cast.world.form('/introspect', cast.svc, { token: refresh, token_type_hint })
        assert.equal(answer.body['active'], true)
      }
    },
  ],
  [
    '2.1 (4)',
    'MUST',
    'The caller is authorised: nobody asks anonymously, and a public client not by its name.',
    async ({ world, svc }) => {
      const token = await world.access(svc)
      assertError(await world.form('/introspect', undefined, { token }), 401, 'invalid_client')
      assertError(
        await world.form('/introspect', undefined, { token, client_id: 'open' }),
        401,
        'invalid_client',
      )
      assertError(
        await world.form('/introspect', undefined, { token, client_id: 'svc' }),
        401,
        'invalid_client',
      )
    },
  ],
  [
    '2.2 (1)',
    'MUST',
    'A JSON object with a boolean `active`.',
    async ({ world, svc }) => {
      const answer = await world.introspect(svc, await world.access(svc))
      assert.match(answer.headers.get('content-type') ?? '', /^application\/json/)
      assert.equal(answer.body['active'], true)
    },
  ],
  [
    '2.2 (2)',
    'MAY',
    'The members of an active token are those that it was issued with; unknown ones are registered or our own (`cache_ttl`).',
    async ({ world, svc }) => {
      const token = await world.access(svc, { scope: 'read', resource: API })
      const { body } = await world.introspect(svc, token)
      const nowS = world.server.clock.wallMs() / 1_000
      const { jti, ...rest } = body
      assert.match(String(jti), /^tok_/)
      assert.deepEqual(rest, {
        active: true,
        scope: 'read',
        client_id: 'svc',
        token_type: 'Bearer',
        exp: nowS + 3_600,
        iat: nowS,
        sub: 'svc',
        aud: API,
        iss: 'http://127.0.0.1:8080/api/id/v1',
        cache_ttl: 5,
      })
    },
  ],
  [
    '2.2 (3)',
    'SHOULD NOT',
    'About a token that is not active nothing more is said: unknown, revoked, used, malformed, foreign read alike.',
    async (cast) => {
      const { world, svc, other } = cast
      const revoked = await world.access(svc)
      await world.revoke(svc, revoked)
      const { refresh } = await granted(cast, svc)
      await world.refresh(svc, refresh)
      const answers = []
      const foreign = await world.access(other)
      for (const token of [
        revoked,
        refresh,
        foreign,
        'x',
        `rsa_${'0'.repeat(36)}`,
        'eyJhbGciOiJub25lIn0.e30.',
      ]) {
        const { status, text, headers } = await world.introspect(svc, token)
        const shown = [...headers].filter(([name]) => name !== 'date')
        answers.push(JSON.stringify([status, text, shown]))
      }
      assert.equal(new Set(answers).size, 1)
      assert.ok(answers[0]?.includes('{\\"active\\":false}'))
    },
  ],
  [
    '2.2 (4)',
    'MAY',
    'The answer depends on who asks: its own tokens, those meant for it, or all.',
    async ({ world, svc, other, api, gateway }) => {
      const meant = await world.access(svc, { resource: API })
      const plain = await world.access(other, { resource: 'https://files.example' })
      assert.deepEqual(
        await Promise.all([svc, other, api, gateway].map((one) => world.isActive(one, meant))),
        [true, false, true, true],
      )
      assert.deepEqual(
        await Promise.all([svc, other, api, gateway].map((one) => world.isActive(one, plain))),
        [false, true, false, true],
      )
    },
  ],
  [
    '2.3 (1)',
    'MUST',
    'Wrong credentials are 401 as RFC 6749 §5.2 has it.',
    async ({ world, svc }) => {
      const answer = await world.introspect({ ...svc, clientSecret: 'wrong' }, 'x')
      assertError(answer, 401, 'invalid_client')
      assert.match(answer.headers.get('www-authenticate') ?? '', /^Basic /)
    },
  ],
  [
    '2.3 (2)',
    'MUST',
    'A token that is not active, or not for the caller, is no error: 200.',
    async (cast) => assertInactive(cast, cast.svc, 'no-token-at-all'),
  ],
  [
    '4 (1)',
    'MUST',
    'A token is judged whole: expired is inactive.',
    async (cast) => {
      const short = await cast.world.client('short-7662', { accessTokenLifetimeSeconds: 1 })
      const token = await cast.world.access(short)
      assert.equal(await cast.world.isActive(short, token), true)
      cast.world.server.clock.advance(1_000)
      await assertInactive(cast, short, token)
    },
  ],
  [
    '4 (2)',
    'MUST',
    'A token is judged whole: revoked is inactive, by itself, its grant, its client or its key.',
    elsewhere('test/acceptance/oauth-clients.test.ts'),
  ],
  [
    '4 (3)',
    'MUST',
    'The signature of a signed token is checked.',
    async (cast) => {
      const token = await cast.world.access(cast.signed)
      assert.equal(await cast.world.isActive(cast.signed, token), true)
      const at = token.lastIndexOf('.') + 5
      const other = token[at] === 'A' ? 'B' : 'A'
      await assertInactive(cast, cast.signed, token.slice(0, at) + other + token.slice(at + 1))
    },
  ],
  [
    '4 (4)',
    'MUST',
    'A token that is not meant for the resource server is inactive to it.',
    async (cast) => {
      const token = await cast.world.access(cast.svc, { resource: 'https://files.example' })
      await assertInactive(cast, cast.api, token)
    },
  ],
  [
    '4 (5)',
    'MAY',
    'How long an answer may be kept is said (`cache_ttl`), and never beyond the end of the token.',
    async ({ world }) => {
      const brief = await world.client('brief-7662', { accessTokenLifetimeSeconds: 3 })
      const { body } = await world.introspect(brief, await world.access(brief))
      assert.equal(body['cache_ttl'], 3)
    },
  ],
])
