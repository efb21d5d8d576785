import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Provider } from '../kit/provider.ts'
import { CHAT, ROOT, SEED } from '../kit/seed.ts'
import { type Asked, EXCHANGE, OauthWorld } from '../kit/world-oauth.ts'
import { allCredentials, BILLING, type Presented } from './doors/credentials.ts'
import { ORDERS } from './doors/doors.ts'
import { allTrades, type Trade } from './doors/trades.ts'

// A credential must not pass for one of another kind where more than a look is at stake. Every kind of credential goes
// to every call that exchanges a credential or lets its bearer act.

/** For this user a password is only the first of two factors. */
const MIA = {
  id: '80',
  username: 'mia',
  password: 'mia-password-0123456789',
  mfa: { totp: 'JBSWY3DPEHPK3PXP' },
}

let world: OauthWorld
let provider: Provider
let trades: readonly Trade[]
let presented: readonly Presented[]

before(async () => {
  const [realm] = SEED.realms as readonly [{ readonly identity: { readonly users: readonly unknown[] } }]
  const identity = { ...realm.identity, users: [...realm.identity.users, MIA] }
  const seed = { realms: [{ ...realm, identity }] }
  world = await OauthWorld.openReal(seed, ['--identity-rate', '0', '--control-rate', '0'])
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
  const trader = await world.client('trader', {
    grantTypes: ['client_credentials', EXCHANGE],
    introspect: 'any',
    audiences,
  })
  const known = await allCredentials({ world, provider, shop, jwtShop })
  const half = { name: 'session of half a login', text: await sessionOf(MIA), opens: 'none' } as const
  presented = [...known, half, ...(await rotated())]
  const textOf = (name: string): string => known.find((one) => one.name === name)?.text ?? assert.fail(name)
  trades = allTrades({
    world,
    shop,
    trader,
    half: { session: half.text, userId: MIA.id },
    beside: {
      chat: textOf('chat token'),
      operator: await tokenOf(ROOT),
      access: await world.access(shop, { resource: ORDERS }),
      appCredential: textOf('id of an application credential'),
    },
  })
})

after(async () => {
  provider.close()
  await world.close()
})

type Person = { readonly username: string; readonly password: string }

function login({ username, password }: Person): Promise<Asked> {
  const body = JSON.stringify({ auth: { passwordCredentials: { username, password } } })
  const headers = { 'content-type': 'application/json' }
  return world.send('/v2.0/tokens', { method: 'POST', headers, body })
}

async function tokenOf(person: Person): Promise<string> {
  const { body } = await login(person)
  return (body['access'] as { token: { id: string } }).token.id
}

async function sessionOf(person: Person): Promise<string> {
  const asked = (await login(person)).headers.get('www-authenticate') ?? ''
  return /sessionId='([^']+)'/.exec(asked)?.[1] ?? assert.fail(asked)
}

/** Keys that are still valid beside a newer one, and retired keys. */
async function rotated(): Promise<readonly Presented[]> {
  const app = await world.control('POST', `/chat-apps/${CHAT.app}/rotate`)
  assert.equal(app.status, 201, app.text)
  const other = await world.control('POST', '/chat-apps', { name: 'retired' })
  assert.equal((await world.control('POST', '/chat-apps/retired/rotate')).status, 201)
  assert.equal((await world.control('POST', '/chat-apps/retired/retire')).status, 200)
  const verifier = await world.control('POST', '/verifiers', { name: 'rotated' })
  assert.equal((await world.control('POST', '/verifiers/rotated/rotate')).status, 201)
  return [
    { name: 'older chat API key', text: CHAT.apiKey, opens: 'none' },
    { name: 'chat API key', text: String(app.body['apiKey']), opens: 'none' },
    { name: 'retired chat API key', text: String(other.body['apiKey']), opens: 'none' },
    { name: 'older verifier key', text: String(verifier.body['key']), opens: 'none' },
  ]
}

test('[H3] [H13] [D05] [W58] a credential gets something only where its own kind is meant', async () => {
  const wrong: string[] = []
  for (const trade of trades) {
    const isMeant = ({ name }: Presented): number => Number(trade.takes.includes(name))
    // Valid ones come first, before a rate limit is used up.
    for (const { name, text } of presented.toSorted((left, right) => isMeant(right) - isMeant(left))) {
      const { status } = await trade.open(text)
      assert.ok(status < 500, `${name} at ${trade.name}: ${status}`)
      if (status < 300 !== trade.takes.includes(name)) wrong.push(`${name} at ${trade.name}: ${status}`)
    }
  }
  assert.deepEqual(wrong, [])
})
