import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { checksum, mintText, PREFIX } from '@rescind/authority'
import { SeededRandom } from '../kit/seeded-random.ts'
import { assertion, EXCHANGE, OauthWorld, ownKey } from '../kit/world-oauth.ts'

let world: OauthWorld
before(async () => {
  world = await OauthWorld.open()
})
after(() => world.close())

test('the rule for gitleaks finds every kind of minted text, and the checksum rejects fakes', () => {
  const path = fileURLToPath(new URL('../../docs/gitleaks.toml', import.meta.url))
  const text = readFileSync(path, 'utf8')
  const pattern = /regex = '''(.*)'''/.exec(text)?.[1] ?? ''
  const random = new SeededRandom('scanner')
  for (const prefix of Object.values(PREFIX)) {
    assert.ok(text.includes(`"${prefix}"`), `${prefix} is no keyword`)
    const minted = mintText(prefix, random).reveal()
    const found = new RegExp(pattern).exec(`key: "${minted}", next`)?.[1]
    assert.equal(found, minted)
    assert.equal(checksum(minted.slice(4, 34)), minted.slice(34))
  }
  assert.equal(new RegExp(pattern).exec('rsx_0123456789'), null)
})

test('[E12] the receipt of a reuse names token, time and reason, and is found by the token', async () => {
  const client = await world.client('audited')
  const { refresh } = await world.grant('audited')
  await world.refresh(client, refresh)
  world.server.clock.advance(30_000)
  const { body } = await world.refresh(client, refresh)
  const cause = body['cause'] as Readonly<Record<string, string>>
  const listed = await world.control('GET', `/revocations?cause=${cause['token']}`)
  assert.equal(listed.status, 200, listed.text)
  const [receipt, ...others] = listed.body['revocations'] as readonly Readonly<Record<string, unknown>>[]
  assert.equal(others.length, 0)
  assert.equal(receipt?.['reason'], 'refresh_token_reuse')
  assert.deepEqual(receipt['cause'], cause)
  assert.ok(!listed.text.includes(refresh))
})

test('an exchanged token ends with every ancestor: the token, its grant, its client, its subject and the key that signed it', async () => {
  const gate = await world.client('gate', { introspect: 'any', grantTypes: ['client_credentials', EXCHANGE] })
  const ends = ['token', 'grant', 'client', 'subject', 'key'] as const
  for (const [at, end] of ends.entries()) {
    const id = `ancestor-${end}`
    const client = await world.client(id, { accessTokenFormat: 'jwt' })
    const { access, refresh } = await world.grant(id, { subject: `user-${at}` })
    const child = String((await world.exchange(gate, access)).body['access_token'])
    const grandchild = String((await world.exchange(gate, child)).body['access_token'])
    assert.equal(await world.isActive(gate, grandchild), true)
    if (end === 'token') await world.revoke(client, access)
    else if (end === 'grant') await world.revoke(client, refresh)
    else if (end === 'client') await world.control('POST', `/clients/${id}/disable`)
    else if (end === 'subject') {
      const target = { source: 'oauth', subject: `user-${at}` }
      const revoked = await world.control('POST', '/revocations', { target, reason: 'leak' })
      assert.equal(revoked.status, 201, revoked.text)
    } else {
      const kid = JSON.parse(Buffer.from(access.split('.')[0] ?? '', 'base64url').toString()).kid as string
      await world.control('POST', `/signing-keys/${kid}/revoke`)
    }
    for (const token of [access, child, grandchild])
      assert.equal(await world.isActive(gate, token), false, end)
  }
})

test('[E10] a refresh does not grant scopes and audiences that its client has lost', async () => {
  const client = await world.client('shrinking', { audiences: ['https://a.example', 'https://b.example'] })
  const { refresh } = await world.grant('shrinking')
  await world.control('PATCH', '/clients/shrinking', { scopes: ['read'], audiences: ['https://a.example'] })
  const next = await world.refresh(client, refresh)
  assert.equal(next.body['scope'], 'read')
  const { body } = await world.introspect(client, String(next.body['access_token']))
  assert.equal(body['aud'], 'https://a.example')
  await world.control('PATCH', '/clients/shrinking', { audiences: [] })
  const last = await world.refresh(client, String(next.body['refresh_token']))
  assert.equal(last.body['error'], 'invalid_target')
})

test('[H17] [E10] a profile refuses tokens derived from a token without an audience', async () => {
  const late = { grantTypes: ['refresh_token', EXCHANGE] }
  const client = await world.client('late', late)
  const { access, refresh } = await world.grant('late')
  const billing = 'https://billing.example'
  await world.control('PATCH', '/clients/late', { audiences: [billing] })
  const made = await world.control('POST', '/check-profiles', { name: 'billing', audience: [billing] })
  assert.equal(made.status, 201, made.text)
  const enter = async (token: unknown): Promise<number> => {
    const headers = { authorization: `Bearer ${String(token)}` }
    return (await world.send('/check/p/billing', { headers })).status
  }
  const jwt = { requested_token_type: 'urn:ietf:params:oauth:token-type:jwt' }
  const children = [
    await world.exchange(client, access),
    await world.exchange(client, access, jwt),
    await world.refresh(client, refresh),
  ]
  for (const child of [access, ...children.map(({ body }) => body['access_token'])])
    assert.equal(await enter(child), 401)
  assert.equal((await world.exchange(client, access, { resource: billing })).body['error'], 'invalid_target')
  const fresh = await world.grant('late')
  assert.equal(await enter(fresh.access), 200, 'a login of now has what the client has now')
})

test('up to 16 targets are accepted, and a jti of up to 256 characters', async () => {
  const audiences = Array.from({ length: 16 }, (_, at) => `https://${at}.example`)
  const client = await world.client('bounded', { audiences })
  const asking = (list: readonly string[]): readonly (readonly [string, string])[] => [
    ['grant_type', 'client_credentials'],
    ...list.map((one) => ['resource', one] as const),
  ]
  assert.equal((await world.token(client, asking(audiences))).status, 200)
  const more = await world.token(client, asking([...audiences, 'https://0.example']))
  assert.equal(more.body['error'], 'invalid_target')
  const tooMany = {
    clientId: 'x',
    grantTypes: ['refresh_token'],
    audiences: [...audiences, 'https://16.example'],
  }
  assert.equal((await world.control('POST', '/clients', tooMany)).status, 422)
  const key = ownKey()
  await world.client('jti', { jwks: key.jwks })
  for (const [length, status] of [
    [256, 200],
    [257, 401],
  ] as const) {
    const proof = await assertion(world, 'jti', { key, claims: { jti: 'x'.repeat(length) } })
    assert.equal(
      (await world.token(undefined, { grant_type: 'client_credentials', ...proof })).status,
      status,
    )
  }
})

test('introspection reveals nothing about a foreign token by status, body or headers, even in signed answers', async () => {
  const asker = await world.client('asker')
  const owner = await world.client('owner', { accessTokenFormat: 'jwt' })
  const { access, refresh } = await world.grant('owner')
  const foreign = [access, refresh, await world.access(owner), 'nothing', `rsa_${'0'.repeat(36)}`]
  for (const accept of ['*/*', 'application/token-introspection+jwt']) {
    const seen = new Set<string>()
    for (const token of foreign) {
      const answer = await world.introspect(asker, token, { accept })
      const headers = [...answer.headers].filter(([name]) => name !== 'date')
      const state = accept === '*/*' ? answer.text : answer.text.split('.')[1]
      seen.add(JSON.stringify([answer.status, headers, state]))
    }
    assert.equal(seen.size, 1, accept)
  }
})

test('the media type of signed introspection may have any case, and yields to a preference for JSON', async () => {
  const asker = await world.client('chooser')
  const signed = 'application/token-introspection+jwt'
  const cases = [
    ['Application/Token-Introspection+JWT', true],
    [`${signed};`, true],
    [`${signed};q=0.5, application/json;q=0.4`, true],
    [`application/json, ${signed}`, true],
    [`application/json, ${signed};q=0.1`, false],
    [`${signed};Q=0.000`, false],
    [`${signed}-not`, false],
  ] as const
  for (const [accept, isSigned] of cases) {
    const { headers } = await world.introspect(asker, 'nothing', { accept })
    assert.equal(headers.get('content-type'), isSigned ? signed : 'application/json', accept)
  }
})

test('a seed file may have public clients, clients with keys, formats and prefixes; invalid ones are refused', async () => {
  const key = ownKey()
  const seeded = await OauthWorld.open([], {
    realms: [
      {
        name: 'default',
        tokenPrefixes: { access: 'acme_at_' },
        oauthClients: [
          {
            clientId: 'spa',
            public: true,
            grantTypes: ['authorization_code', 'refresh_token'],
            redirectUris: ['https://app.example/cb'],
          },
          { clientId: 'keyed', jwks: key.jwks, grantTypes: ['client_credentials'] },
          {
            clientId: 'svc',
            clientSecret: 'svc-secret-0123456789',
            grantTypes: ['client_credentials'],
            accessTokenLifetimeSeconds: 60,
          },
        ],
      },
    ],
  })
  try {
    const client = { clientId: 'svc', clientSecret: 'svc-secret-0123456789' }
    const issued = await seeded.token(client, { grant_type: 'client_credentials' })
    assert.equal(issued.body['expires_in'], 60)
    assert.match(String(issued.body['access_token']), /^acme_at_/)
    const redeemed = await seeded.redeem(undefined, await seeded.code('spa'), { client_id: 'spa' })
    assert.equal(redeemed.status, 200, redeemed.text)
  } finally {
    await seeded.close()
  }
  for (const wrong of [
    { clientId: 'a', grantTypes: ['client_credentials'] },
    { clientId: 'a', clientSecret: 'x', public: true, grantTypes: ['refresh_token'] },
    { clientId: 'a', public: true, grantTypes: ['client_credentials'] },
    { clientId: 'a', jwks: { keys: [] }, grantTypes: ['client_credentials'] },
  ])
    await assert.rejects(
      OauthWorld.open([], { realms: [{ name: 'default', oauthClients: [wrong] }] }),
      /seed/,
    )
  const prefixes = { name: 'default', tokenPrefixes: { access: 'rsr_' } }
  await assert.rejects(OauthWorld.open([], { realms: [prefixes] }), /tokenPrefixes/)
})

test('realms have their own issuers, clients, keys and tokens', async () => {
  const two = await OauthWorld.open([], { realms: [{ name: 'branch' }] })
  try {
    const settings = { clientId: 'svc', grantTypes: ['client_credentials'], accessTokenFormat: 'jwt' }
    const made = await two.control('POST', '/clients?realm=branch', settings)
    assert.equal(made.status, 201, made.text)
    const here = await two.client('svc', { accessTokenFormat: 'jwt' })
    const there = { clientId: 'svc', clientSecret: String(made.body['clientSecret']) }
    assert.equal((await two.token(there, { grant_type: 'client_credentials' })).status, 401)
    const headers = { authorization: `Basic ${Buffer.from(`svc:${there.clientSecret}`).toString('base64')}` }
    const body = new URLSearchParams({ grant_type: 'client_credentials' })
    const issued = await two.send('/realms/branch/api/id/v1/auth/token', { method: 'POST', headers, body })
    const token = String(issued.body['access_token'])
    assert.equal(await two.isActive(here, token), false)
    const claims = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as {
      iss: string
    }
    for (const path of [
      '/.well-known/oauth-authorization-server/realms/branch/api/id/v1',
      '/realms/branch/api/id/v1/.well-known/oauth-authorization-server',
    ])
      assert.equal((await two.send(path)).body['issuer'], claims.iss)
    const kids = async (path: string): Promise<readonly string[]> =>
      ((await two.send(path)).body['keys'] as { kid: string }[]).map(({ kid }) => kid)
    const [own, other] = [await kids('/api/id/v1/jwks'), await kids('/realms/branch/api/id/v1/jwks')]
    assert.equal(own.length, 6)
    assert.ok(own.every((kid) => !other.includes(kid)))
  } finally {
    await two.close()
  }
})
