import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { openVerifier, type Verifier } from '@rescind/verifier'
import { decodeProtectedHeader } from 'jose'
import { type Client, claimsOf, EXCHANGE, type Members, OauthWorld } from '../kit/world-oauth.ts'

/** Everything that ends a token also ends a self-contained one, on every read path. */

const API = 'https://api.example'
const KEY = 'a-verifier-key-of-the-flaws-0123456789'

let world: OauthWorld
let gate: Client
let verifier: Verifier
before(async () => {
  world = await OauthWorld.openReal({
    realms: [{ name: 'default', verifiers: [{ name: 'flaws', key: KEY }] }],
  })
  const grantTypes = ['client_credentials', EXCHANGE]
  gate = await world.client('gate', { introspect: 'any', grantTypes })
  verifier = openVerifier({ url: world.server.url, key: KEY })
  await verifier.ready()
})
after(async () => {
  await verifier.close()
  await world.close()
})

type Jwt = {
  readonly client: Client
  readonly access: string
  readonly refresh: string
  readonly subject: string
}

async function revocation(target: Members): Promise<void> {
  const made = await world.control('POST', '/revocations', { target, reason: 'flaws' })
  assert.equal(made.status, 201, made.text)
}

/** Ways of revoking, by what they name. */
const WAYS: Readonly<Record<string, (jwt: Jwt) => Promise<unknown>>> = {
  'its text, by its client': async ({ client, access }) =>
    assert.equal((await world.revoke(client, access)).status, 200),
  'its text, by an operator': ({ access }) => revocation({ token: access }),
  'its handle, which is its jti': ({ access }) => revocation({ handle: claimsOf(access).jti }),
  'its grant, by the refresh token': async ({ client, refresh }) =>
    assert.equal((await world.revoke(client, refresh)).status, 200),
  'its subject': ({ subject }) => revocation({ source: 'oauth', subject }),
  'its client': ({ client }) => revocation({ source: 'oauth', client: client.clientId }),
  'its source': () => revocation({ source: 'oauth' }),
  'its realm': () => revocation({ realm: true }),
  'the key that signed it': async ({ access }) => {
    const { kid } = decodeProtectedHeader(access)
    const revoked = await world.control('POST', `/signing-keys/${kid}/revoke`, { reason: 'flaws' })
    assert.ok(revoked.status < 300, revoked.text)
  },
  'a hold over its subject': async ({ subject }) => {
    const target = { source: 'oauth', subject }
    const body = { target, reason: 'flaws', seconds: 3_600, atDeadline: 'release' }
    const held = await world.control('POST', '/holds', body)
    assert.equal(held.status, 201, held.text)
  },
}

async function review(token: string): Promise<boolean> {
  const body = {
    apiVersion: 'authentication.k8s.io/v1',
    kind: 'TokenReview',
    spec: { token, audiences: [API] },
  }
  const answer = await world.control('POST', '/token-review', body)
  assert.equal(answer.status, 200, answer.text)
  return (answer.body['status'] as Members)['authenticated'] === true
}

/** Read paths; each says whether the token is good. */
const READS: Readonly<Record<string, (jwt: Jwt) => Promise<boolean>>> = {
  'introspection by its client': ({ client, access }) => world.isActive(client, access),
  'introspection by a gateway': ({ access }) => world.isActive(gate, access),
  '/check': async ({ access }) =>
    (await world.send('/check', { headers: { authorization: `Bearer ${access}` } })).status === 200,
  '/control/v1/verify': async ({ access }) => {
    const answer = await world.control('POST', '/verify', { token: access })
    return (answer.body['verdict'] as Members)['kind'] === 'active'
  },
  TokenReview: ({ access }) => review(access),
  'token exchange': async ({ access }) => (await world.exchange(gate, access)).status === 200,
  'the control API': async ({ access }) => {
    const answer = await world.control('POST', '/tokens/lookup', { token: access })
    return answer.body['state'] === 'active'
  },
  'a verifier that has seen it': async ({ access }) => (await verifier.verify(access)).kind === 'active',
  'a verifier, without asking': async ({ access }) => verifier.check(access).kind === 'active',
}

let count = 0
for (const [way, revoke] of Object.entries(WAYS)) {
  test(`[M13] [A01] [A03] a JWT that was ended by ${way} is dead on every read path`, async () => {
    count += 1
    const subject = `subject-${count}`
    const settings = { accessTokenFormat: 'jwt', audiences: [API], introspect: 'own' }
    const client = await world.client(`client-${count}`, settings)
    const jwt = { client, subject, ...(await world.grant(client.clientId, { subject })) }
    assert.equal(jwt.access.split('.').length, 3)
    for (const [name, isGood] of Object.entries(READS)) assert.ok(await isGood(jwt), `${name}, before`)
    const closed = new Promise((resolve) => verifier.onRevoked(jwt.access, resolve))
    await revoke(jwt)
    await closed
    for (const [name, isGood] of Object.entries(READS)) assert.equal(await isGood(jwt), false, name)
    const answer = await world.introspect(gate, jwt.access)
    assert.equal(answer.text, '{"active":false}')
  })
}
