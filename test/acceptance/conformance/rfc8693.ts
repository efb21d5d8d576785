import assert from 'node:assert/strict'
import { ACCESS_TYPE, claimsOf, EXCHANGE, JWT_TYPE } from '../../kit/world-oauth.ts'
import { API, assertError, assertInactive, type Clause, clauses, FILES } from './clause.ts'

export const RFC8693: readonly Clause[] = clauses('RFC 8693', [
  [
    '2.1 (1)',
    'MUST',
    'subject_token and subject_token_type are required; types that are not known are refused.',
    async ({ world, svc }) => {
      assertError(await world.token(svc, { grant_type: EXCHANGE }), 400, 'invalid_request')
      assertError(
        await world.token(svc, { grant_type: EXCHANGE, subject_token: 'x' }),
        400,
        'invalid_request',
      )
      const token = await world.access(svc)
      for (const subject_token_type of ['urn:ietf:params:oauth:token-type:saml2', 'access_token', JWT_TYPE])
        assertError(await world.exchange(svc, token, { subject_token_type }), 400, 'invalid_request')
    },
  ],
  [
    '2.1 (2)',
    'MUST',
    'actor_token_type is required with an actor_token and must not come without one.',
    async ({ world, svc }) => {
      const token = await world.access(svc)
      assertError(await world.exchange(svc, token, { actor_token: token }), 400, 'invalid_request')
      assertError(await world.exchange(svc, token, { actor_token_type: ACCESS_TYPE }), 400, 'invalid_request')
    },
  ],
  [
    '2.1 (3)',
    'MUST',
    'The tokens of the request are validated: live, ours, and such as the client may act upon.',
    async ({ world, svc, other, api }) => {
      const revoked = await world.access(svc)
      await world.revoke(svc, revoked)
      const texts = new Set<string>()
      for (const token of ['x', revoked, await world.access(other)]) {
        const refused = await world.exchange(svc, token)
        assertError(refused, 400, 'invalid_request')
        texts.add(refused.text)
      }
      assert.equal(texts.size, 1)
      const meant = await world.access(svc, { resource: API })
      assert.equal((await world.exchange(api, meant)).status, 200)
      const own = await world.access(svc)
      const actor = { actor_token: revoked, actor_token_type: ACCESS_TYPE }
      assertError(await world.exchange(svc, own, actor), 400, 'invalid_request')
    },
  ],
  [
    '2.1 (4)',
    'MUST',
    'requested_token_type is heeded or refused.',
    async ({ world, svc }) => {
      const token = await world.access(svc)
      const jwt = await world.exchange(svc, token, { requested_token_type: JWT_TYPE })
      assert.equal(jwt.body['issued_token_type'], JWT_TYPE)
      assert.equal(claimsOf(String(jwt.body['access_token'])).sub, 'svc')
      const refresh = 'urn:ietf:params:oauth:token-type:refresh_token'
      assertError(await world.exchange(svc, token, { requested_token_type: refresh }), 400, 'invalid_request')
    },
  ],
  [
    '2.2.1 (1)',
    'MUST',
    'access_token, issued_token_type and token_type are in the answer, uncached; no refresh token.',
    async ({ world, svc }) => {
      const answer = await world.exchange(svc, await world.access(svc))
      assert.equal(answer.status, 200, answer.text)
      assert.equal(answer.body['issued_token_type'], ACCESS_TYPE)
      assert.equal(answer.body['token_type'], 'Bearer')
      assert.equal(answer.body['expires_in'], 3_600)
      assert.equal('refresh_token' in answer.body, false)
      assert.equal(answer.headers.get('cache-control'), 'no-store')
    },
  ],
  [
    '2.2.1 (2)',
    'MUST',
    '`scope` is narrowed or the same, never more than the subject token and the client have.',
    async ({ world, svc }) => {
      const token = await world.access(svc, { scope: 'read' })
      assertError(await world.exchange(svc, token, { scope: 'read write' }), 400, 'invalid_scope')
      assert.equal((await world.exchange(svc, token)).body['scope'], 'read')
      const wide = await world.access(svc)
      assert.equal((await world.exchange(svc, wide, { scope: 'write' })).body['scope'], 'write')
    },
  ],
  [
    '2.2.2 (1)',
    'SHOULD',
    'invalid_target for a resource or an audience that the client, or the subject token, may not have.',
    async ({ world, svc }) => {
      const token = await world.access(svc, { resource: API })
      for (const more of [
        { resource: FILES },
        { audience: FILES },
        { audience: 'nobody' },
        { resource: 'x' },
      ])
        assertError(await world.exchange(svc, token, more), 400, 'invalid_target')
      const narrowed = await world.exchange(svc, await world.access(svc), { audience: FILES })
      const { body } = await world.introspect(svc, String(narrowed.body['access_token']))
      assert.equal(body['aud'], FILES)
    },
  ],
  [
    '4.1 (1)',
    'MUST',
    '`act` names who acts now, outermost, and who acted before inside.',
    async ({ world, svc, gateway }) => {
      const { access } = await world.grant('svc', { subject: 'ann' })
      const byActor = async (subject: string, by: typeof svc) => {
        const actor_token = await world.access(by)
        const more = { actor_token, actor_token_type: ACCESS_TYPE, requested_token_type: JWT_TYPE }
        const answer = await world.exchange(by, subject, more)
        assert.equal(answer.status, 200, answer.text)
        return String(answer.body['access_token'])
      }
      const first = await byActor(access, svc)
      assert.equal(claimsOf(first).sub, 'ann')
      assert.deepEqual(claimsOf(first)['act'], { sub: 'svc', client_id: 'svc' })
      const second = await byActor(first, gateway)
      const act = { sub: 'gateway', client_id: 'gateway', act: { sub: 'svc', client_id: 'svc' } }
      assert.deepEqual(claimsOf(second)['act'], act)
      assert.deepEqual((await world.introspect(gateway, second)).body['act'], act)
    },
  ],
  [
    '1 (1)',
    'MAY',
    'What the RFC leaves open: an exchanged token never outlives its parents and dies with any of them.',
    async (cast) => {
      const { world, svc } = cast
      const long = await world.client('long-8693', {
        grantTypes: [EXCHANGE, 'client_credentials'],
        introspect: 'any',
      })
      const parent = await world.access(svc)
      world.server.clock.advance(600_000)
      const child = await world.exchange(long, parent)
      assert.equal(child.body['expires_in'], 3_000)
      const grandchild = await world.exchange(long, String(child.body['access_token']))
      const siblings = await world.exchange(long, parent)
      await world.revoke(long, String(child.body['access_token']))
      await assertInactive(cast, long, String(grandchild.body['access_token']))
      assert.equal(await world.isActive(long, String(siblings.body['access_token'])), true)
      await world.revoke(svc, parent)
      await assertInactive(cast, long, String(siblings.body['access_token']))
    },
  ],
  [
    '1 (2)',
    'MAY',
    'A chain of exchanges is bounded: the ninth is refused, not cut short.',
    async ({ world, svc }) => {
      let token = await world.access(svc)
      for (let depth = 1; depth <= 8; depth += 1) {
        const next = await world.exchange(svc, token)
        assert.equal(next.status, 200, `${depth}: ${next.text}`)
        token = String(next.body['access_token'])
      }
      assertError(await world.exchange(svc, token), 400, 'invalid_request')
    },
  ],
])
