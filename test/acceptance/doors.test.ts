import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { PREFIX } from '@rescind/authority'
import { CREDENTIAL_KINDS } from '@rescind/core/tokens'
import { openVerifier, type Verifier } from '@rescind/verifier'
import { Provider } from '../kit/provider.ts'
import { CHAT, SEED } from '../kit/seed.ts'
import { spellingsOf } from '../kit/spellings.ts'
import { type Members, OauthWorld } from '../kit/world-oauth.ts'
import { allCredentials, BILLING, type Presented } from './doors/credentials.ts'
import { type Door, ORDERS, openDoors, VERIFIER_KEY } from './doors/doors.ts'

// Every kind of credential goes to every door, to prove that none opens a door that it is not meant for.
describe('every kind of credential at every door', () => {
  let world: OauthWorld
  let verifier: Verifier
  let provider: Provider
  let doors: readonly Door[]
  let presented: readonly Presented[]

  before(async () => {
    world = await OauthWorld.openReal(SEED)
    provider = await Provider.open('https://idp.example/', () => Math.floor(Date.now() / 1_000))
    const issuer = { issuer: provider.issuer, keys: [provider.jwk] }
    assert.equal((await world.control('POST', '/issuers', issuer)).status, 201)
    const audiences = [ORDERS, BILLING]
    const shop = await world.client('shop', {
      grantTypes: ['client_credentials', 'refresh_token', 'authorization_code'],
      redirectUris: ['https://app.example/cb'],
      audiences,
    })
    const jwtShop = await world.client('jwt-shop', { accessTokenFormat: 'jwt', audiences })
    const audience = await world.client('rs', { introspect: 'audience', resources: [ORDERS] })
    const any = await world.client('all-seeing', { introspect: 'any' })
    verifier = openVerifier({ url: world.server.url, key: VERIFIER_KEY })
    await verifier.ready()
    doors = await openDoors({ world, verifier, audience, any })
    presented = await allCredentials({ world, provider, shop, jwtShop })
  })
  const chatClient = async (body: Members): Promise<void> => {
    const headers = { 'im-api-key': CHAT.apiKey, 'content-type': 'application/json' }
    const init = { method: 'POST', headers, body: JSON.stringify(body) }
    assert.equal((await world.send('/admin/clients', init)).status, 200)
  }
  after(async () => {
    await verifier.close()
    provider.close()
    await world.close()
  })

  test('[H1] [H2] [H3] [H4] [H13] [W9] only live access tokens for this audience get in', async () => {
    for (const { name, text, opens } of presented) {
      for (const door of doors) {
        const may = opens === 'orders and any' || (opens === 'any' && door.takes === 'any')
        assert.equal(await door.open(text), may && !isBlind(door, name), `${name} at ${door.name}`)
      }
    }
  })

  test('[H14] [D01] no other spelling of a JWT opens a door, before or after its revocation', async () => {
    const bound = await provider.sign({ iss: 'https://nobody.example', sub: 'carl' })
    await chatClient({ _id: 'carl', token: bound })
    const jwts: Readonly<Record<string, string>> = {
      ...jwtsOf(presented, [
        'access token (JWT)',
        'exchanged JWT',
        'foreign token',
        'foreign at+jwt',
        'chat token',
      ]),
      'bound JWS': bound,
    }
    for (const [name, text] of Object.entries(jwts)) {
      for (const { how, text: other, of } of spellingsOf(text)) {
        for (const door of doors) {
          // Another valid signature is the same token.
          if (of === 'signature') continue
          // Spaces and line breaks at its ends belong to the header, not to the credential.
          if (other.trim() === text) continue
          assert.equal(await door.open(other), false, `${name}, ${how}, at ${door.name}`)
        }
      }
      assert.equal(await doors[1]?.open(text), true, name)
      const target = { target: { token: text }, reason: 'leaked' }
      assert.equal((await world.control('POST', '/revocations', target)).status, 201, name)
      await applied(verifier, text)
      for (const { how, text: other } of [{ how: 'as it was', text }, ...spellingsOf(text)])
        for (const door of doors)
          assert.equal(await door.open(other), false, `${name}, ${how}, at ${door.name}`)
    }
  })

  test('[H3] a refresh token is active only for its own client, and a code for nobody', async () => {
    const own = await world.client('own', { introspect: 'own' })
    const seeing = await world.client('own-and-any', { introspect: 'any' })
    const meant = await world.client('own-and-audience', { introspect: 'audience', resources: [ORDERS] })
    for (const client of [own, seeing, meant]) {
      const { access, refresh } = await world.grant(client.clientId)
      const told = async (by: typeof own, token: string): Promise<boolean> => world.isActive(by, token)
      // A client that sees tokens meant for it is a resource server, which would accept them.
      assert.equal(await told(client, refresh), client !== meant, client.clientId)
      assert.equal(await told(client, access), client !== meant, client.clientId)
      for (const other of [own, seeing, meant].filter((one) => one !== client))
        assert.equal(await told(other, refresh), false, `${client.clientId} by ${other.clientId}`)
    }
    const code = await world.code('shop')
    for (const client of [own, seeing, meant]) assert.equal(await world.isActive(client, code), false)
  })

  test('the list holds every kind of credential that the server knows, and every prefix that it mints', () => {
    const kinds = new Set(presented.map(({ kind }) => kind))
    assert.deepEqual(
      CREDENTIAL_KINDS.filter((kind) => !kinds.has(kind)),
      [],
    )
    const prefixes = new Set(presented.map(({ prefix }) => prefix))
    const known = Object.keys(PREFIX) as (keyof typeof PREFIX)[]
    assert.deepEqual(
      known.filter((prefix) => !prefixes.has(prefix)),
      [],
    )
    for (const { prefix, text, name } of presented)
      if (prefix !== undefined) assert.ok(text.startsWith(PREFIX[prefix]), name)
  })
})

function jwtsOf(presented: readonly Presented[], names: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(
    names.map((name) => [name, presented.find((one) => one.name === name)?.text ?? '']),
  )
}

/** Resolves when the verifier has applied the revocation. */
async function applied(verifier: Verifier, token: string): Promise<void> {
  while (verifier.check(token).kind === 'active') await new Promise((resolve) => setImmediate(resolve))
}

/** RFC 7662 §4: a client that sees tokens meant for it sees tokens of this server only. */
function isBlind({ name, takes }: Door, presented: string): boolean {
  return name.startsWith('introspection') && takes === 'orders' && presented.startsWith('foreign')
}
