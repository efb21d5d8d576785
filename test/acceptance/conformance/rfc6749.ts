import assert from 'node:assert/strict'
import { API, assertError, assertInactive, type Clause, clauses, FILES, granted } from './clause.ts'

export const RFC6749: readonly Clause[] = clauses('RFC 6749', [
  [
    '2.3 (1)',
    'MUST NOT',
    'More than one method of authentication in a request is refused; a body that repeats the matching client_id is none.',
    async ({ world, svc }) => {
      const form = { grant_type: 'client_credentials', client_id: 'svc' }
      assert.equal((await world.token(svc, form)).status, 200)
      assertError(
        await world.token(svc, { ...form, client_secret: svc.clientSecret }),
        400,
        'invalid_request',
      )
      assertError(await world.token(svc, { ...form, client_id: 'other' }), 400, 'invalid_request')
      const type = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'
      const asserted = { client_assertion_type: type, client_assertion: 'a.b.c' }
      assertError(await world.token(svc, { ...form, ...asserted }), 400, 'invalid_request')
      const posted = { ...form, ...asserted, client_secret: svc.clientSecret }
      assertError(await world.token(undefined, posted), 400, 'invalid_request')
    },
  ],
  [
    '2.3.1 (1)',
    'MUST',
    'Basic authentication is supported; credentials in the body, too, and never in the URI.',
    async ({ world, svc }) => {
      const form = { grant_type: 'client_credentials' }
      assert.equal((await world.token(svc, form)).status, 200)
      const own = { client_id: svc.clientId, client_secret: svc.clientSecret }
      assert.equal((await world.token(undefined, { ...form, ...own })).status, 200)
      const query = new URLSearchParams(own).toString()
      const body = new URLSearchParams(form)
      assertError(
        await world.send(`/api/id/v1/auth/token?${query}`, { method: 'POST', body }),
        400,
        'invalid_request',
      )
    },
  ],
  [
    '2.3.1 (2)',
    'MUST',
    'Guessing secrets is made slow: after 100 wrong ones from an address the client is not heard there, but for one try every two seconds.',
    async ({ world, other }) => {
      const form = { grant_type: 'client_credentials' }
      const right = await world.client('guessed', { grantTypes: ['client_credentials'] })
      const wrong = { ...right, clientSecret: 'not-the-secret' }
      // Another spelling names the same client.
      const spelled = { ...wrong, clientId: 'g%75essed' }
      for (let nth = 0; nth < 100; nth += 1)
        assertError(await world.token(nth % 2 === 0 ? wrong : spelled, form), 401, 'invalid_client')
      for (const tried of [wrong, right]) {
        const refused = await world.token(tried, form)
        assertError(refused, 429, 'TooManyRequests')
        assert.equal(refused.headers.get('retry-after'), '2')
      }
      assert.equal((await world.token(other, form)).status, 200)
      world.server.clock.advance(2_000)
      assert.equal((await world.token(right, form)).status, 200)
      // A successful authentication resets nothing: the next attempt is refused, right or wrong.
      assertError(await world.token(wrong, form), 401, 'invalid_client')
      for (const tried of [wrong, right]) assertError(await world.token(tried, form), 429, 'TooManyRequests')
    },
  ],
  [
    '3.2 (1)',
    'MUST',
    'POST only; a parameter without a value counts as absent, an unknown one is ignored, a repeated one is refused.',
    async ({ world, svc }) => {
      assert.equal((await world.send('/api/id/v1/auth/token')).status, 405)
      assertError(await world.token(svc, { grant_type: '' }), 400, 'invalid_request')
      assert.equal(
        (await world.token(svc, { grant_type: 'client_credentials', scope: '', x: 'y' })).status,
        200,
      )
      const twice = [
        ['grant_type', 'client_credentials'],
        ['scope', 'read'],
        ['scope', 'write'],
      ] as const
      assertError(await world.token(svc, twice), 400, 'invalid_request')
    },
  ],
  [
    '4.4.3 (1)',
    'SHOULD NOT',
    'client_credentials bring no refresh token.',
    async ({ world, svc }) => {
      const { body } = await world.token(svc, { grant_type: 'client_credentials' })
      assert.equal('refresh_token' in body, false)
    },
  ],
  [
    '5.1 (1)',
    'MUST',
    '200 and JSON with access_token and token_type; expires_in in seconds.',
    async ({ world, svc, signed }) => {
      for (const client of [svc, signed]) {
        const answer = await world.token(client, { grant_type: 'client_credentials' })
        assert.equal(answer.status, 200)
        assert.match(answer.headers.get('content-type') ?? '', /^application\/json/)
        assert.equal(typeof answer.body['access_token'], 'string')
        assert.equal(answer.body['token_type'], 'Bearer')
        assert.equal(answer.body['expires_in'], 3_600)
      }
    },
  ],
  [
    '5.1 (2)',
    'MUST',
    'Cache-Control: no-store and Pragma: no-cache on every answer with a token.',
    async (cast) => {
      const { refresh } = await granted(cast, cast.svc)
      for (const form of [
        { grant_type: 'client_credentials' },
        { grant_type: 'refresh_token', refresh_token: refresh },
      ]) {
        const { headers } = await cast.world.token(cast.svc, form)
        assert.equal(headers.get('cache-control'), 'no-store')
        assert.equal(headers.get('pragma'), 'no-cache')
      }
    },
  ],
  [
    '5.1 (3)',
    'MUST',
    '`scope` says what was granted wherever it may differ from what was asked.',
    async ({ world, svc }) => {
      assert.equal((await world.token(svc, { grant_type: 'client_credentials' })).body['scope'], 'read write')
      const narrowed = await world.token(svc, { grant_type: 'client_credentials', scope: 'write' })
      assert.equal(narrowed.body['scope'], 'write')
    },
  ],
  [
    '5.2 (1)',
    'MUST',
    '400 with a code of the list, in printable ASCII: what is missing, unknown or not allowed.',
    async ({ world, svc, api }) => {
      assertError(await world.token(svc, {}), 400, 'invalid_request')
      assertError(await world.token(svc, { grant_type: 'password' }), 400, 'unsupported_grant_type')
      assertError(
        await world.token(svc, { grant_type: 'client_credentials', scope: 'admin' }),
        400,
        'invalid_scope',
      )
      assertError(
        await world.token(svc, { grant_type: 'client_credentials', scope: 'a  b' }),
        400,
        'invalid_scope',
      )
      const plain = await world.client('plain-6749', { grantTypes: ['client_credentials'] })
      assertError(await world.refresh(plain, 'x'), 400, 'unauthorized_client')
      assertError(
        await world.token(api, { grant_type: 'client_credentials', resource: API }),
        400,
        'invalid_target',
      )
    },
  ],
  [
    '5.2 (2)',
    'MUST',
    'invalid_client is 401, with a challenge of the same scheme if the client used the Authorization header.',
    async ({ world, svc }) => {
      const wrong = { ...svc, clientSecret: 'wrong' }
      const byHeader = await world.token(wrong, { grant_type: 'client_credentials' })
      assertError(byHeader, 401, 'invalid_client')
      assert.match(byHeader.headers.get('www-authenticate') ?? '', /^Basic /)
      const form = { grant_type: 'client_credentials', client_id: 'svc', client_secret: 'wrong' }
      const byBody = await world.token(undefined, form)
      assertError(byBody, 401, 'invalid_client')
      assert.equal(byBody.headers.get('www-authenticate'), null)
      const bearer = {
        headers: { authorization: 'Bearer x' },
        method: 'POST',
        body: new URLSearchParams(form),
      }
      assert.equal((await world.send('/api/id/v1/auth/token', bearer)).status, 400)
    },
  ],
  [
    '5.2 (3)',
    'MUST',
    'invalid_grant for a refresh token that is unknown, expired, revoked, or of another client, in the same words.',
    async (cast) => {
      const { world, svc, other } = cast
      const foreign = await granted(cast, other)
      const revoked = await granted(cast, svc)
      await world.revoke(svc, revoked.refresh)
      const texts = new Set<string>()
      for (const token of ['x', foreign.refresh, revoked.refresh, revoked.access]) {
        const answer = await world.refresh(svc, token)
        assertError(answer, 400, 'invalid_grant')
        texts.add(answer.text)
      }
      assert.equal(texts.size, 1)
      assert.equal((await world.refresh(other, foreign.refresh)).status, 200)
    },
  ],
  [
    '6 (1)',
    'MUST',
    'Confidential clients authenticate to refresh, and the token must have been issued to them.',
    async (cast) => {
      const { world, svc } = cast
      const { refresh } = await granted(cast, svc)
      const form = { grant_type: 'refresh_token', refresh_token: refresh, client_id: 'svc' }
      assertError(await world.token(undefined, form), 401, 'invalid_client')
      assertError(await world.token(undefined, { ...form, client_id: 'open' }), 400, 'invalid_grant')
      assert.equal((await world.refresh(svc, refresh)).status, 200)
    },
  ],
  [
    '6 (2)',
    'MUST NOT',
    'A refresh never widens the scope; without one it is the scope of the grant.',
    async (cast) => {
      const { world, svc } = cast
      const { refresh } = await world.grant('svc', { scope: 'read' })
      assertError(await world.refresh(svc, refresh, { scope: 'read write' }), 400, 'invalid_scope')
      assert.equal((await world.refresh(svc, refresh)).body['scope'], 'read')
      const wide = await granted(cast, svc)
      const narrow = await world.refresh(svc, wide.refresh, { scope: 'read' })
      assert.equal(narrow.body['scope'], 'read')
      const next = await world.refresh(svc, String(narrow.body['refresh_token']))
      assert.equal(next.body['scope'], 'read write')
    },
  ],
  [
    '6 (3)',
    'MAY',
    'Every refresh brings a new refresh token, and the old one serves no more than to repeat a lost answer.',
    async (cast) => {
      const { world, svc } = cast
      const { refresh } = await granted(cast, svc)
      const [first, again] = [await world.refresh(svc, refresh), await world.refresh(svc, refresh)]
      assert.equal(again.text, first.text)
      assert.notEqual(first.body['refresh_token'], refresh)
      await assertInactive(cast, cast.gateway, refresh)
    },
  ],
  [
    '10.4 (1)',
    'SHOULD',
    'A used refresh token that comes back later ends the grant, and the owner is told why.',
    async (cast) => {
      const { world, svc } = cast
      const { refresh } = await granted(cast, svc)
      const next = await world.refresh(svc, refresh)
      world.server.clock.advance(30_000)
      const reused = await world.refresh(svc, refresh)
      assertError(reused, 400, 'invalid_grant')
      assert.equal((reused.body['cause'] as Record<string, string>)['code'], 'refresh_token_reuse')
      await assertInactive(cast, cast.gateway, String(next.body['access_token']))
      const late = await world.refresh(svc, String(next.body['refresh_token']))
      assert.deepEqual(late.body['cause'], reused.body['cause'])
    },
  ],
  [
    '4.1.2 (1)',
    'MUST NOT',
    'A code serves once; a second use is denied and, by who can prove the code, ends what the first one brought.',
    async (cast) => {
      const { world, svc } = cast
      const code = await world.code('svc')
      const first = await world.redeem(svc, code)
      assert.equal(first.status, 200, first.text)
      const again = await world.redeem(svc, code)
      assertError(again, 400, 'invalid_grant')
      assert.equal((again.body['cause'] as Record<string, string>)['code'], 'authorization_code_reuse')
      await assertInactive(cast, svc, String(first.body['access_token']))
      assertError(await world.refresh(svc, String(first.body['refresh_token'])), 400, 'invalid_grant')
    },
  ],
  [
    '4.1.3 (1)',
    'MUST',
    'A code is bound to its client and its redirect URI (and, RFC 7636 §4.6, to its verifier), and expires.',
    async (cast) => {
      const { world, svc, other } = cast
      const code = await world.code('svc')
      assertError(await world.redeem(other, code), 400, 'invalid_grant')
      assertError(
        await world.redeem(svc, code, { redirect_uri: 'https://app.example/cb2' }),
        400,
        'invalid_grant',
      )
      assertError(await world.redeem(svc, code, { code_verifier: 'x'.repeat(43) }), 400, 'invalid_grant')
      assertError(await world.redeem(svc, code, { code_verifier: '' }), 400, 'invalid_request')
      assert.equal((await world.redeem(svc, code)).status, 200)
      const late = await world.code('svc')
      world.server.clock.advance(60_000)
      assertError(await world.redeem(svc, late), 400, 'invalid_grant')
      const unseen = await world.code('svc')
      await assertInactive(cast, cast.gateway, unseen)
    },
  ],
  [
    '3.2.1 (1)',
    'MUST',
    'A public client names itself, by Basic without a secret (§2.3.1), too; it redeems codes and refreshes, and nothing else.',
    async ({ world }) => {
      const issued = await world.redeem(undefined, await world.code('open'), { client_id: 'open' })
      assert.equal(issued.status, 200, issued.text)
      const refresh_token = String(issued.body['refresh_token'])
      const form = { grant_type: 'refresh_token', refresh_token, client_id: 'open' }
      assert.equal((await world.token(undefined, form)).status, 200)
      const other = { grant_type: 'client_credentials', client_id: 'open' }
      assertError(await world.token(undefined, other), 400, 'unauthorized_client')
      const bare = { clientId: 'open', clientSecret: '' }
      assertError(await world.token(bare, other), 400, 'unauthorized_client')
      assert.equal((await world.introspect(bare, 'x')).status, 401)
      assert.equal((await world.token({ clientId: 'svc', clientSecret: '' }, other)).status, 400)
    },
  ],
  [
    '3.3 (1)',
    'SHOULD',
    'Targets (RFC 8707 §2) narrow whom a token is for, within what the client may have.',
    async ({ world, svc }) => {
      const both = [
        ['grant_type', 'client_credentials'],
        ['resource', API],
        ['resource', FILES],
      ] as const
      const issued = await world.token(svc, both)
      const { body } = await world.introspect(svc, String(issued.body['access_token']))
      assert.deepEqual(body['aud'], [API, FILES])
      for (const resource of ['https://evil.example', `${API}#x`, 'api', `${API}/v1`]) {
        const refused = await world.token(svc, { grant_type: 'client_credentials', resource })
        assertError(refused, 400, 'invalid_target')
      }
    },
  ],
])
