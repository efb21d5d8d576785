import assert from 'node:assert/strict'
import { mintText, PREFIX } from '@rescind/authority'
import type { CredentialKind } from '@rescind/core/tokens'
import type * as jose from 'jose'
import type { Provider } from '../../kit/provider.ts'
import { ANN, CHAT, ROOT } from '../../kit/seed.ts'
import { SeededRandom } from '../../kit/seeded-random.ts'
import { CONTROL_KEY } from '../../kit/server.ts'
import { type Client, JWT_TYPE, type Members, type OauthWorld } from '../../kit/world-oauth.ts'
import { ORDERS, VERIFIER_KEY } from './doors.ts'

export const BILLING = 'https://billing.example'

/** A credential that the server mints or knows, or a text beside one, and the doors that it should open. */
export type Presented = {
  readonly name: string
  readonly text: string
  /** The server's name for its kind, if it can recognise it. */
  readonly kind?: CredentialKind
  /** The member of PREFIX that it begins with. */
  readonly prefix?: keyof typeof PREFIX
  /** Doors that accept it: those for ORDERS and for anybody, those for anybody only, or none. */
  readonly opens: 'orders and any' | 'any' | 'none'
}

export type CredentialParts = {
  readonly world: OauthWorld
  readonly provider: Provider
  readonly shop: Client
  readonly jwtShop: Client
}

/** One or more of every kind. */
export async function allCredentials(parts: CredentialParts): Promise<readonly Presented[]> {
  return [
    ...(await ofOauth(parts)),
    ...(await ofIdentity(parts.world)),
    ...(await ofChat(parts.world)),
    ...(await ofIssuer(parts.provider)),
    ...(await keysAndSecrets(parts)),
  ]
}

async function ofOauth({ world, shop, jwtShop }: CredentialParts): Promise<readonly Presented[]> {
  const access = await world.access(shop, { resource: ORDERS })
  const jwt = await world.access(jwtShop, { resource: ORDERS })
  const plain = await world.client('plain', { accessTokenFormat: 'jwt' })
  const grant = await world.grant('shop')
  const jwtGrant = await world.grant('jwt-shop')
  const revoked = await world.access(shop, { resource: ORDERS })
  await world.revoke(shop, revoked)
  const revokedJwt = await world.access(jwtShop, { resource: ORDERS })
  await world.revoke(jwtShop, revokedJwt)
  const used = await world.grant('shop')
  const next = await world.refresh(shop, used.refresh)
  const exchanger = await world.client('exchanger', {
    grantTypes: ['client_credentials', 'urn:ietf:params:oauth:grant-type:token-exchange'],
    introspect: 'any',
    audiences: [ORDERS, BILLING],
  })
  const exchanged = await world.exchange(exchanger, access)
  assert.equal(exchanged.status, 200, exchanged.text)
  const exchangedJwt = await world.exchange(exchanger, access, { requested_token_type: JWT_TYPE })
  const signed = await world.introspect(exchanger, access, { accept: 'application/token-introspection+jwt' })
  assert.match(signed.text, /^ey/)
  const one: Pick<Presented, 'kind' | 'prefix'> = { kind: 'access', prefix: 'access' }
  return [
    { name: 'access token', text: access, ...one, opens: 'orders and any' },
    { name: 'access token (JWT)', text: jwt, kind: 'access', opens: 'orders and any' },
    { name: 'access token for another', text: await world.access(shop, { resource: BILLING }), opens: 'any' },
    { name: 'JWT for another', text: await world.access(jwtShop, { resource: BILLING }), opens: 'any' },
    { name: 'JWT for nobody in particular', text: await world.access(plain), opens: 'any' },
    { name: 'exchanged token', text: String(exchanged.body['access_token']), opens: 'orders and any' },
    { name: 'exchanged JWT', text: String(exchangedJwt.body['access_token']), opens: 'orders and any' },
    { name: 'revoked access token', text: revoked, opens: 'none' },
    { name: 'revoked JWT', text: revokedJwt, opens: 'none' },
    { name: 'refresh token', text: grant.refresh, kind: 'refresh', prefix: 'refresh', opens: 'none' },
    { name: 'refresh token of a client of JWTs', text: jwtGrant.refresh, kind: 'refresh', opens: 'none' },
    { name: 'used refresh token', text: used.refresh, kind: 'refresh', opens: 'none' },
    { name: 'rotated refresh token', text: String(next.body['refresh_token']), opens: 'none' },
    {
      name: 'authorization code',
      text: await world.code('shop'),
      kind: 'code',
      prefix: 'code',
      opens: 'none',
    },
    { name: 'signed introspection answer', text: signed.text, opens: 'none' },
    ...textsOf(grant.access),
  ]
}

/** Texts in tokens, answers and logs that grant nothing. */
function textsOf(access: string): readonly Presented[] {
  const texts = [
    ...[`${access}A`, access.slice(0, -1), access.toUpperCase(), `${access}\u00a0`],
    ...['tok_AAAAAAAAAAAAAAAAAAAAAA', 'grt_AAAAAAAAAAAAAAAAAAAAAA', 'undefined', 'null', '*', 'any'],
  ]
  return texts.map((text) => ({
    name: `text ${JSON.stringify(text.slice(0, 12))}…`,
    text,
    opens: 'none' as const,
  }))
}

async function ofIdentity(world: OauthWorld): Promise<readonly Presented[]> {
  const login = async (auth: Members): Promise<string> => {
    const told = await post(world, '/v2.0/tokens', { auth })
    assert.equal(told.status, 200, told.text)
    return (told.body['access'] as { token: { id: string } }).token.id
  }
  const passwordCredentials = { username: ANN.username, password: ANN.password }
  const token = await login({ passwordCredentials })
  const limited = await login({ passwordCredentials, 'RAX-AUTH:scope': 'SETUP-MFA' })
  const root = await login({ passwordCredentials: { username: ROOT.username, password: ROOT.password } })
  const impersonated = await post(
    world,
    '/v2.0/RAX-AUTH/impersonation-tokens',
    { 'RAX-AUTH:impersonation': { user: { username: ANN.username }, 'expire-in-seconds': 600 } },
    { 'x-auth-token': root },
  )
  assert.equal(impersonated.status, 200, impersonated.text)
  const made = await post(
    world,
    `/v3/users/${ANN.id}/application_credentials`,
    { application_credential: { name: 'ci' } },
    { 'x-auth-token': token },
  )
  assert.equal(made.status, 201, made.text)
  const { id, secret } = made.body['application_credential'] as { id: string; secret: string }
  return [
    { name: 'Identity token', text: token, kind: 'identity', prefix: 'identity', opens: 'any' },
    { name: 'impersonation token', text: idIn(impersonated.body), kind: 'identity', opens: 'any' },
    { name: 'token for setting up MFA', text: limited, kind: 'limited', opens: 'none' },
    { name: 'password', text: ANN.password, opens: 'none' },
    { name: 'API key', text: ANN.apiKey, opens: 'none' },
    { name: 'id of an application credential', text: id, opens: 'none' },
    { name: 'secret of an application credential', text: secret, opens: 'none' },
  ]
}

function idIn(body: Members): string {
  return (body['access'] as { token: { id: string } }).token.id
}

async function ofChat(world: OauthWorld): Promise<readonly Presented[]> {
  const headers = { 'im-api-key': CHAT.apiKey }
  const client = async (body: Members): Promise<string> => {
    const told = await post(world, '/admin/clients', body, headers)
    assert.equal(told.status, 200, told.text)
    return String((told.body['result'] as { token?: string }).token)
  }
  const issued = await client({ _id: 'ann', issueAccessToken: true })
  const text = 'a-token-of-another-system-$123'
  await client({ _id: 'bob', token: text })
  return [
    { name: 'chat token', text: issued, kind: 'chat', opens: 'any' },
    { name: 'assigned chat text', text, kind: 'assigned', opens: 'any' },
    { name: 'chat API key', text: CHAT.apiKey, opens: 'none' },
    { name: 'chat client key', text: CHAT.clientKey, opens: 'none' },
  ]
}

async function ofIssuer(provider: Provider): Promise<readonly Presented[]> {
  const others: readonly (readonly [string, jose.JWTPayload, string?])[] = [
    ...['logout+jwt', 'secevent+jwt', 'dpop+jwt', 'oauth-authz-req+jwt', 'token-introspection+jwt'].map(
      (typ) => [`${typ} of an issuer`, { aud: ORDERS }, typ] as const,
    ),
    ['kb+jwt of an issuer', { aud: ORDERS }, 'kb+jwt'],
    ['ID token', { aud: ORDERS, at_hash: 'x', nonce: 'n' }],
    ['Keycloak ID token', { aud: ORDERS, typ: 'ID' }],
    ['Keycloak refresh token', { aud: ORDERS, typ: 'Refresh' }],
    ['Cognito ID token', { aud: ORDERS, token_use: 'id' }],
  ]
  const foreign = { kind: 'foreign', opens: 'orders and any' } as const
  return [
    { name: 'foreign token', text: await provider.sign({ aud: ORDERS }), ...foreign },
    { name: 'foreign at+jwt', text: await provider.sign({ aud: [ORDERS, 'x'] }, 'at+jwt'), ...foreign },
    { name: 'foreign token for another', text: await provider.sign({ aud: BILLING }), opens: 'any' },
    { name: 'foreign token for nobody', text: await provider.sign(), opens: 'any' },
    { name: 'expired foreign token', text: await provider.sign({ aud: ORDERS, exp: 1 }), opens: 'none' },
    ...(await Promise.all(
      others.map(async ([name, claims, typ]): Promise<Presented> => {
        return { name, text: await provider.sign(claims, typ), kind: 'foreign-other', opens: 'none' }
      }),
    )),
  ]
}

async function keysAndSecrets({ world, shop }: CredentialParts): Promise<readonly Presented[]> {
  const random = new SeededRandom('session')
  const verifierKey = await world.control('POST', '/verifiers', { name: 'another' })
  const controlKey = await world.control('POST', '/keys', { name: 'another', role: 'viewer' })
  const head = await world.control('POST', '/verify', { token: 'x' })
  return [
    { name: 'client secret', text: shop.clientSecret, prefix: 'clientSecret', opens: 'none' },
    { name: 'control key', text: String(controlKey.body['key']), prefix: 'controlKey', opens: 'none' },
    { name: 'first control key', text: CONTROL_KEY, opens: 'none' },
    { name: 'verifier key', text: String(verifierKey.body['key']), prefix: 'verifierKey', opens: 'none' },
    { name: 'verifier key of the seed', text: VERIFIER_KEY, opens: 'none' },
    // Nothing mints these yet; a forged one must not open anything.
    {
      name: 'console session',
      text: mintText(PREFIX.consoleSession, random).reveal(),
      prefix: 'consoleSession',
      opens: 'none',
    },
    { name: 'position', text: String(head.body['position']), opens: 'none' },
  ]
}

function post(
  world: OauthWorld,
  path: string,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
) {
  const typed = { 'content-type': 'application/json', ...headers }
  return world.send(path, { method: 'POST', headers: typed, body: JSON.stringify(body) })
}
