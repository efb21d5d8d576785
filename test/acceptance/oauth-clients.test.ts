import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { EXCHANGE, type Members, OauthWorld, ownKey } from '../kit/world-oauth.ts'

let world: OauthWorld
before(async () => {
  world = await OauthWorld.open()
})
after(() => world.close())

test('a client is created, read, listed, changed and deleted; its secret is shown once', async () => {
  const made = await world.control('POST', '/clients', {
    clientId: 'full',
    name: 'Full',
    grantTypes: ['client_credentials', 'refresh_token', 'authorization_code', EXCHANGE],
    scopes: ['read'],
    audiences: ['https://api.example'],
    redirectUris: ['https://app.example/cb', 'http://127.0.0.1/cb', 'com.example.app:/cb'],
    accessTokenFormat: 'jwt',
    accessTokenSigningAlg: 'EdDSA',
    accessTokenLifetimeSeconds: 60,
    grantLifetimeSeconds: 3_600,
  })
  assert.equal(made.status, 201, made.text)
  const secret = String(made.body['clientSecret'])
  assert.match(secret, /^rsk_[0-9A-Za-z]{36}$/)
  const read = await world.control('GET', '/clients/full')
  assert.equal(read.status, 200)
  assert.ok(!read.text.includes(secret) && !read.text.includes('digest'))
  const { clientSecret: _shown, ...rest } = made.body
  assert.deepEqual(read.body, rest)
  const listed = await world.control('GET', '/clients?limit=1')
  assert.deepEqual((listed.body['clients'] as unknown[]).length, 1)
  const etag = read.headers.get('etag') ?? ''
  const changed = await world.control('PATCH', '/clients/full', { name: null, scopes: ['read', 'write'] })
  assert.equal(changed.status, 200, changed.text)
  assert.equal(changed.body['name'], undefined)
  assert.deepEqual(changed.body['scopes'], ['read', 'write'])
  assert.equal(changed.body['accessTokenFormat'], 'jwt')
  assert.notEqual(changed.headers.get('etag'), etag)
  assert.equal((await world.control('DELETE', '/clients/full')).status, 204)
  assert.equal((await world.control('GET', '/clients/full')).status, 404)
})

test('invalid settings are 422, and a name that is taken is 409', async () => {
  await world.client('taken')
  const right = { clientId: 'wrong', grantTypes: ['client_credentials'], scopes: [] }
  assert.equal((await world.control('POST', '/clients', { ...right, clientId: 'taken' })).status, 409)
  const wrongs = [
    { grantTypes: [] },
    { grantTypes: ['password'] },
    { grantTypes: ['implicit'] },
    { scopes: ['a b'] },
    { public: true },
    { public: true, grantTypes: [EXCHANGE] },
    { public: true, grantTypes: ['refresh_token'], introspect: 'any' },
    { public: true, grantTypes: ['refresh_token'], jwks: ownKey().jwks },
    { redirectUris: ['http://app.example/cb'] },
    { redirectUris: ['https://app.example/cb#x'] },
    { redirectUris: ['javascript:alert(1)'] },
    { jwks: { keys: [] } },
    { jwks: { keys: [{ kty: 'oct', k: 'AAAA' }] } },
    { jwks: { keys: [ownKey().privateKey.export({ format: 'jwk' })] } },
    { accessTokenLifetimeSeconds: 0 },
    { grantLifetimeSeconds: 0 },
    { grantLifetimeSeconds: 400 * 86_400 + 1 },
    { grantLifetimeSeconds: 1.5 },
    { revokeTokens: true },
    { accessTokenFormat: 'saml' },
    { clientSecret: 'mine' },
    { enabled: false },
  ]
  for (const wrong of wrongs) {
    const answer = await world.control('POST', '/clients', { ...right, ...wrong })
    assert.equal(answer.status, 422, JSON.stringify(wrong))
  }
  assert.equal((await world.control('GET', '/clients/wrong')).status, 404)
})

for (const way of ['disable', 'PATCH', 'DELETE'] as const) {
  test(`[A09] [B08] ${way} ends every token of a client, and tokens derived from them, at once on every read path`, async () => {
    const id = `ending-${way}`
    const client = await world.client(id, { grantTypes: ['client_credentials', 'refresh_token', EXCHANGE] })
    const seer = await world.client(`seer-${way}`, {
      introspect: 'any',
      grantTypes: ['client_credentials', EXCHANGE],
    })
    const grant = await world.grant(id)
    const own = await world.access(client)
    const derived = String((await world.exchange(seer, own)).body['access_token'])
    const seen = [grant.access, own, derived]
    const all = [...seen, grant.refresh]
    for (const token of seen) assert.equal(await world.isActive(seer, token), true)
    assert.equal(await world.isActive(client, grant.refresh), true)
    const [method, path, body] =
      way === 'disable'
        ? ['POST', `/clients/${id}/disable`, { reason: 'leaked' }]
        : [way, `/clients/${id}`, way === 'PATCH' ? { enabled: false } : undefined]
    const ended = await world.control(method, path, body)
    assert.ok(ended.status < 300, ended.text)
    for (const token of all) {
      assert.equal((await world.introspect(seer, token)).text, '{"active":false}')
      const judged = await world.control('POST', '/verify', { token })
      assert.equal(JSON.stringify(judged.body).includes('"active"'), false, judged.text)
    }
    assert.equal((await world.token(client, { grant_type: 'client_credentials' })).status, 401)
    if (way === 'DELETE') return
    assert.equal((await world.control('POST', `/clients/${id}/enable`)).status, 200)
    for (const token of all) assert.equal(await world.isActive(seer, token), false)
    assert.equal((await world.refresh(client, grant.refresh)).body['error'], 'invalid_grant')
    assert.equal(await world.isActive(seer, await world.access(client)), true)
  })
}

test('[E01] a grant of the control API ends by its client’s setting, which can be changed and removed', async () => {
  const client = await world.client('ending-grants', { grantLifetimeSeconds: 100 })
  const { refresh } = await world.grant('ending-grants')
  world.server.clock.advance(40_000)
  const first = await world.refresh(client, refresh)
  assert.equal(first.body['expires_in'], 60)
  const seen = await world.introspect(client, String(first.body['refresh_token']))
  const now = Math.floor(world.server.clock.wallMs() / 1_000)
  assert.equal(Number(seen.body['exp']) - now, 60, 'the refresh token ends with its grant')
  const taken = await world.control('PATCH', '/clients/ending-grants', { grantLifetimeSeconds: null })
  assert.equal(taken.body['grantLifetimeSeconds'], undefined)
  const second = await world.refresh(client, String(first.body['refresh_token']))
  assert.equal(second.body['expires_in'], 3_600)
  await world.control('PATCH', '/clients/ending-grants', { grantLifetimeSeconds: 40 })
  const last = await world.refresh(client, String(second.body['refresh_token']))
  assert.equal(last.body['error'], 'invalid_grant')
})

test('[R4] a grant of the control API is for the registered target, with or without its slash', async () => {
  const audiences = ['https://a.example', 'https://b.example/']
  const client = await world.client('slashes', { audiences, introspect: 'audience', resources: audiences })
  for (const audience of [
    ['https://a.example/'],
    ['https://b.example'],
    ['https://a.example/', 'https://b.example'],
  ]) {
    const { access } = await world.grant('slashes', { audience })
    const { body } = await world.introspect(client, access)
    const named = typeof body['aud'] === 'string' ? [body['aud']] : (body['aud'] as readonly string[])
    assert.ok(
      named.length === audience.length && named.every((one) => audiences.includes(one)),
      String(named),
    )
  }
  const wrong = await world.control('POST', '/grants', {
    ...{ clientId: 'slashes', subject: 'ann' },
    audience: ['https://a.example/x'],
  })
  assert.equal(wrong.status, 422)
  assert.match(wrong.text, /https:\/\/a\.example https:\/\/b\.example\//)
})

/*
 * Rights taken from a client. By itself a change affects only later tokens, because verifiers judge a token without
 * asking what its client may do. `revokeTokens` ends earlier tokens in the same write.
 */
const TAKEN: Readonly<Record<string, Members>> = {
  scopes: { scopes: ['read'] },
  'all scopes': { scopes: [] },
  audiences: { audiences: ['https://a.example'] },
  'a grant type': { grantTypes: ['client_credentials', 'refresh_token'] },
  introspection: { introspect: 'own' },
  life: { accessTokenLifetimeSeconds: 60, grantLifetimeSeconds: 60 },
}

for (const [what, change] of Object.entries(TAKEN)) {
  test(`[B13] taking ${what} from a client leaves its access tokens, until revokeTokens ends them with the change`, async () => {
    const id = `taken-${what.replaceAll(' ', '-')}`
    const grantTypes = ['client_credentials', 'refresh_token', 'authorization_code', EXCHANGE]
    const audiences = ['https://a.example', 'https://b.example']
    const settings = { grantTypes, audiences, introspect: 'audience' }
    const client = await world.client(id, settings)
    const seer = await world.client(`${id}-seer`, { introspect: 'any' })
    const grant = await world.grant(id)
    const own = await world.access(client)
    const exchanged = String((await world.exchange(client, own)).body['access_token'])
    const code = await world.code(id)
    const all = [grant.access, own, exchanged]
    const first = await world.control('PATCH', `/clients/${id}`, change)
    assert.equal(first.status, 200, first.text)
    assert.equal(first.body['revokeTokens'], undefined, 'it is no setting')
    for (const token of all) {
      const { body } = await world.introspect(seer, token)
      assert.deepEqual([body['active'], body['scope']], [true, 'read write'])
    }
    await world.control('PATCH', `/clients/${id}`, settings)
    const more = { ...change, revokeTokens: true, reason: 'demoted' }
    assert.equal((await world.control('PATCH', `/clients/${id}`, more)).status, 200)
    for (const token of all) assert.equal(await world.isActive(seer, token), false)
    assert.equal((await world.refresh(client, grant.refresh)).status, 400)
    assert.equal((await world.redeem(client, code)).status, 400)
    const { body } = await world.introspect(seer, await world.access(client))
    assert.equal(body['active'], true, 'the client itself goes on')
  })
}

test('a secret is rotated with an overlap, after which only the new one works', async () => {
  const client = await world.client('rotating')
  const rotated = await world.control('POST', '/clients/rotating/secrets', { overlapSeconds: 600 })
  assert.equal(rotated.status, 201, rotated.text)
  const next = { clientId: 'rotating', clientSecret: String(rotated.body['clientSecret']) }
  const held = await world.access(client)
  await world.access(next)
  world.server.clock.advance(600_000)
  assert.equal((await world.token(client, { grant_type: 'client_credentials' })).status, 401)
  assert.equal(await world.isActive(next, held), true)
  assert.equal((rotated.body['secrets'] as unknown[]).length, 2)
  assert.equal(((await world.control('GET', '/clients/rotating')).body['secrets'] as unknown[]).length, 1)
})

test('a client has at most five live secrets; one can be ended by name, and with tokens after a leak', async () => {
  const client = await world.client('many')
  const others = []
  for (let count = 1; count < 5; count += 1)
    others.push(await world.control('POST', '/clients/many/secrets', {}))
  assert.equal((await world.control('POST', '/clients/many/secrets', {})).status, 422)
  const [first] = (others.at(-1)?.body['secrets'] ?? []) as readonly { readonly id: string }[]
  assert.equal((await world.control('DELETE', `/clients/many/secrets/${first?.id}`)).status, 200)
  assert.equal((await world.token(client, { grant_type: 'client_credentials' })).status, 401)
  const second = { clientId: 'many', clientSecret: String(others[0]?.body['clientSecret']) }
  const token = await world.access(second)
  const leaked = await world.control('POST', '/clients/many/secrets', { revokeTokens: true })
  assert.equal(leaked.status, 201, leaked.text)
  const last = { clientId: 'many', clientSecret: String(leaked.body['clientSecret']) }
  assert.equal((await world.token(second, { grant_type: 'client_credentials' })).status, 401)
  assert.equal(await world.isActive(last, token), false)
  assert.equal(await world.isActive(last, await world.access(last)), true)
})

test('the grants of a client are listed with their live tokens', async () => {
  const client = await world.client('listed')
  const grant = await world.grant('listed', { subject: 'bob', scope: 'read' })
  const next = await world.refresh(client, grant.refresh)
  await world.grant('listed', { subject: 'cid' })
  await world.revoke(client, String(next.body['access_token']))
  const answer = await world.control('GET', '/clients/listed/grants')
  const grants = answer.body['grants'] as readonly {
    subject: string
    scope: string
    tokens: { kind: string }[]
  }[]
  assert.deepEqual(
    grants.map(({ subject, scope, tokens }) => [subject, scope, tokens.map(({ kind }) => kind).sort()]),
    [
      ['bob', 'read', ['access', 'refresh']],
      ['cid', 'read write', ['access', 'refresh']],
    ],
  )
  await world.revoke(client, String(next.body['refresh_token']))
  const left = await world.control('GET', '/clients/listed/grants')
  assert.equal((left.body['grants'] as unknown[]).length, 1)
})

test('signing keys are listed, rotated and revoked; a revoked one leaves the key set, and the tokens that it signed are dead', async () => {
  const client = await world.client('signed', { accessTokenFormat: 'jwt' })
  const token = await world.access(client)
  const listed = await world.control('GET', '/signing-keys')
  assert.ok(!listed.text.includes('"d"') && !listed.text.includes('sealed'))
  const keys = listed.body['signingKeys'] as readonly { keyId: string; state: string; algorithm: string }[]
  const active = keys.find(({ state, algorithm }) => state === 'active' && algorithm === 'ES256')
  assert.ok(active !== undefined)
  const rotated = await world.control('POST', '/signing-keys/rotate', {
    algorithm: 'ES256',
    reason: 'yearly',
  })
  assert.equal(rotated.status, 200, rotated.text)
  assert.equal(await world.isActive(client, token), true)
  assert.ok((await world.keySet()).keys.some(({ kid }) => kid === active.keyId))
  const revoked = await world.control('POST', `/signing-keys/${active.keyId}/revoke`, { reason: 'leak' })
  assert.equal(revoked.status, 200, revoked.text)
  assert.ok(!(await world.keySet()).keys.some(({ kid }) => kid === active.keyId))
  assert.equal(await world.isActive(client, token), false)
  assert.equal(await world.isActive(client, await world.access(client)), true)
  assert.equal((await world.control('POST', `/signing-keys/${'A'.repeat(43)}/revoke`)).status, 404)
})

test('a realm mints with its own prefixes, and earlier tokens are still recognised', async () => {
  const own = await OauthWorld.open()
  try {
    const client = await own.client('prefixed')
    const before = await own.grant('prefixed')
    const wrongs = [
      { access: 'rsr_' },
      { access: 'a b_' },
      { access: 'none' },
      { access: 'x_', refresh: 'x_y_' },
    ]
    for (const wrong of wrongs)
      assert.equal((await own.control('PUT', '/token-prefixes', wrong)).status, 422, JSON.stringify(wrong))
    const put = await own.control('PUT', '/token-prefixes', { access: 'acme_at_', refresh: 'acme_rt_' })
    assert.equal(put.status, 200, put.text)
    const grant = await own.grant('prefixed')
    assert.match(grant.access, /^acme_at_[0-9A-Za-z]{36}$/)
    assert.match(grant.refresh, /^acme_rt_[0-9A-Za-z]{36}$/)
    for (const token of [before.access, grant.access]) assert.equal(await own.isActive(client, token), true)
    await own.control('PUT', '/token-prefixes', {})
    await own.revoke(client, grant.refresh)
    assert.equal(await own.isActive(client, grant.access), false)
    await own.revoke(client, before.refresh)
    assert.equal(await own.isActive(client, before.access), false)
  } finally {
    await own.close()
  }
})
