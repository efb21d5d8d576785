import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { ANN, BOB, CHAT, ROOT, SEED } from '../kit/seed.ts'
import {
  type Asked,
  type Client,
  claimsOf,
  EXCHANGE,
  JWT_TYPE,
  type Members,
  OauthWorld,
  REDIRECT,
} from '../kit/world-oauth.ts'

// [W80] [C16] A realm's lifetime bound must neither make requests fail nor miss some of them. Tests every way to a
// token, in every dialect, under every bound: errors only for callers who ask for more, and no life beyond the bound.

const DAY_SECONDS = 86_400
const YEARS_TEN = 3_650 * DAY_SECONDS
const GRANT_TYPES = ['client_credentials', 'refresh_token', 'authorization_code', EXCHANGE]

let world: OauthWorld
let count = 0

before(async () => {
  world = await OauthWorld.open(['--identity-rate', '0', '--control-rate', '0'], SEED)
  await clients()
})
after(() => world.close())

async function bound(maxLifetimeSeconds: number | null): Promise<Members> {
  const answer = await world.control('PATCH', '/settings', { maxLifetimeSeconds })
  assert.equal(answer.status, 200, answer.text)
  return answer.body
}

function post(path: string, body: unknown, headers: Readonly<Record<string, string>> = {}): Promise<Asked> {
  const typed = { 'content-type': 'application/json', ...headers }
  return world.send(path, { method: 'POST', headers: typed, body: JSON.stringify(body) })
}

const BY_KEY = { 'im-api-key': CHAT.apiKey }
const PASSWORD = { auth: { passwordCredentials: { username: ANN.username, password: ANN.password } } }
const API_KEY = { auth: { 'RAX-KSKEY:apiKeyCredentials': { username: ANN.username, apiKey: ANN.apiKey } } }
const identityOf = (password: string, id: string): Members => ({
  auth: { identity: { methods: ['password'], password: { user: { id, password } } } },
})
const tokenOf = ({ body }: Asked): Members => (body['access'] as { token: Members }).token

async function operator(): Promise<string> {
  const login = { username: ROOT.username, password: ROOT.password }
  return String(tokenOf(await post('/v2.0/tokens', { auth: { passwordCredentials: login } }))['id'])
}

async function impersonation(seconds?: number): Promise<Asked> {
  const more = seconds === undefined ? {} : { 'expire-in-seconds': seconds }
  const body = { 'RAX-AUTH:impersonation': { user: { username: BOB.username }, ...more } }
  return post('/v2.0/RAX-AUTH/impersonation-tokens', body, { 'x-auth-token': await operator() })
}

const v3Token = (answer: Asked): string => String(answer.headers.get('x-subject-token'))
const v3Rescope = (id: string): Promise<Asked> =>
  post('/v3/auth/tokens', { auth: { identity: { methods: ['token'], token: { id } } } })

/** Texts of tokens made before the bound was lowered. */
type Older = { readonly v2: string; readonly v3: string; readonly access: string; readonly refresh: string }

async function older(): Promise<Older> {
  const v2 = String(tokenOf(await post('/v2.0/tokens', PASSWORD))['id'])
  const v3 = v3Token(await post('/v3/auth/tokens', identityOf(ANN.password, ANN.id)))
  return { v2, v3, ...(await world.grant('opaque')) }
}

/** Every way to a token: its text, and the expiry in the answer. */
type Way = (made: Older) => Promise<{ readonly answer: Asked; readonly endsMs: number | undefined }>

const v2Way = async (asked: Promise<Asked>): ReturnType<Way> => {
  const answer = await asked
  return {
    answer,
    endsMs: answer.status === 200 ? Date.parse(String(tokenOf(answer)['expires'])) : undefined,
  }
}
const v3Way = async (asked: Promise<Asked>): ReturnType<Way> => {
  const answer = await asked
  const token = answer.body['token'] as Members | undefined
  return { answer, endsMs: token === undefined ? undefined : Date.parse(String(token['expires_at'])) }
}
const oauthWay = async (asked: Promise<Asked>): ReturnType<Way> => {
  const [answer, nowMs] = [await asked, world.server.clock.wallMs()]
  const text = answer.body['access_token']
  const jwtMs =
    typeof text === 'string' && text.startsWith('ey') ? (claimsOf(text).exp ?? Number.NaN) * 1_000 : 0
  return { answer, endsMs: Math.max(nowMs + Number(answer.body['expires_in']) * 1_000, jwtMs) }
}
const chatWay = async (asked: Promise<Asked>): ReturnType<Way> => {
  const answer = await asked
  const result = answer.body['result'] as Members | undefined
  return { answer, endsMs: Number(result?.['expirationDateMS']) }
}

const SECRETS = new Map<string, Client>()
const secret = (clientId: string): Client => SECRETS.get(clientId) ?? assert.fail(clientId)

async function bind(more: Members = {}, client = 'bound', token?: string): Promise<Asked> {
  await post('/admin/clients', { _id: client }, BY_KEY)
  const body = JSON.stringify({ token: token ?? `text-${(count += 1)}`, ...more })
  const headers = { 'content-type': 'application/json', ...BY_KEY }
  return world.send(`/admin/clients/${client}/token`, { method: 'PUT', headers, body })
}

async function redeemed(clientId: string): Promise<Asked> {
  return world.redeem(secret(clientId), await world.code(clientId))
}

const WAYS: Readonly<Record<string, Way>> = {
  'v2.0 password': () => v2Way(post('/v2.0/tokens', PASSWORD)),
  'v2.0 API key': () => v2Way(post('/v2.0/tokens', API_KEY)),
  'v2.0 by an older token': ({ v2 }) =>
    v2Way(post('/v2.0/tokens', { auth: { tenantId: ANN.tenant, token: { id: v2 } } })),
  'v2.0 impersonation': () => v2Way(impersonation()),
  'v3 password': () => v3Way(post('/v3/auth/tokens', identityOf(ANN.password, ANN.id))),
  'v3 by an older token': ({ v3 }) => v3Way(v3Rescope(v3)),
  'OAuth client credentials': () =>
    oauthWay(world.token(secret('opaque'), { grant_type: 'client_credentials' })),
  'OAuth client credentials, a JWT': () =>
    oauthWay(world.token(secret('jwt'), { grant_type: 'client_credentials' })),
  'OAuth code': () => oauthWay(redeemed('opaque')),
  'OAuth code, a JWT': () => oauthWay(redeemed('jwt')),
  'OAuth refresh': ({ refresh }) => oauthWay(world.refresh(secret('opaque'), refresh)),
  'OAuth exchange': ({ access }) => oauthWay(world.exchange(secret('opaque'), access)),
  'OAuth exchange for a JWT': ({ access }) =>
    oauthWay(world.exchange(secret('jwt'), access, { requested_token_type: JWT_TYPE })),
  grant: () => oauthWay(world.control('POST', '/grants', { clientId: 'opaque', subject: 'ann' })),
  'chat issued': async () => {
    const made = await post('/admin/clients', { _id: 'ann', issueAccessToken: true }, BY_KEY)
    const result = made.body['result'] as Members
    const exp = claimsOf(String(result['token'])).exp ?? Number.NaN
    return { answer: made, endsMs: exp * 1_000 }
  },
  'chat signed': async () => {
    const made = await post('/auths/sign/v2', { id: 'ann' }, BY_KEY)
    const { token } = made.body['result'] as { token: string }
    return { answer: made, endsMs: (claimsOf(token).exp ?? Number.NaN) * 1_000 }
  },
  'chat bound': () => chatWay(bind()),
  'chat bound again': async () => {
    await bind({}, 'bound', 'one-and-the-same')
    return chatWay(bind({}, 'bound', 'one-and-the-same'))
  },
}

async function clients(): Promise<void> {
  for (const accessTokenFormat of ['opaque', 'jwt'])
    SECRETS.set(
      accessTokenFormat,
      await world.client(accessTokenFormat, {
        ...{ accessTokenFormat, grantTypes: GRANT_TYPES, introspect: 'any' },
        redirectUris: [REDIRECT],
      }),
    )
}

test('[W80] [C16] under every maximum of a realm, every way to a token works and its token ends within it', async () => {
  for (const seconds of [1, 59, 3_600, 43_200, 400 * DAY_SECONDS, YEARS_TEN]) {
    await bound(null)
    const made = await older()
    await bound(seconds)
    for (const [name, way] of Object.entries(WAYS)) {
      const { answer, endsMs } = await way(made)
      assert.ok(answer.status < 300, `${name}, ${seconds} s: ${answer.status} ${answer.text}`)
      const leftMs = (endsMs ?? Number.NaN) - world.server.clock.wallMs()
      assert.ok(leftMs > -1_000 && leftMs <= seconds * 1_000, `${name}, ${seconds} s: ${leftMs} ms`)
    }
  }
})

test('[W80] asking for more than the realm allows is 400, tested at the bound and past it', async () => {
  const settings = await bound(3_600)
  assert.equal(settings['maxAssignedLifetimeSeconds'], 3_600)
  assert.deepEqual([(await impersonation(3_600)).status, (await impersonation(3_601)).status], [200, 400])
  const at = (ms: number): Members => ({
    expirationDate: new Date(world.server.clock.wallMs() + ms).toISOString(),
  })
  const statuses = []
  for (const ms of [3_600_000, 3_600_001, 8 * 365 * DAY_SECONDS * 1_000])
    statuses.push((await bind(at(ms))).status)
  assert.deepEqual(statuses, [200, 400, 400])
  const made = await post('/admin/clients', { _id: 'new', token: 'text-of-new', ...at(3_600_001) }, BY_KEY)
  assert.equal(made.status, 400, made.text)
  await bind({}, 'extended', 'extended')
  assert.equal((await bind(at(3_600_001), 'extended', 'extended')).status, 400)
})

test('[W80] bound text may live ten years if no maximum is set, or it was removed', async () => {
  const nearly = { expirationDate: new Date(world.server.clock.wallMs() + YEARS_TEN * 1_000).toISOString() }
  const settings = await bound(null)
  assert.deepEqual(
    [settings['maxLifetimeSeconds'], settings['maxAssignedLifetimeSeconds']],
    [400 * DAY_SECONDS, YEARS_TEN],
  )
  assert.equal((await bind(nearly)).status, 200)
  // Once set, a maximum bounds everything issued or bound.
  await bound(400 * DAY_SECONDS)
  assert.equal((await bind(nearly)).status, 400)
  await bound(null)
})

test('[W80] a code that lives less than a minute says so', async () => {
  await bound(7)
  const made = await world.control('POST', '/grants', {
    ...{ clientId: 'opaque', subject: 'ann', redirectUri: REDIRECT },
    ...{ codeChallenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM', codeChallengeMethod: 'S256' },
  })
  assert.deepEqual([made.status, made.body['expiresIn']], [201, 7], made.text)
  await bound(null)
})
