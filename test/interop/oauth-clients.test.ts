import assert from 'node:assert/strict'
import { createPublicKey, webcrypto } from 'node:crypto'
import { after, before, test } from 'node:test'
import type * as Oauth from 'oauth4webapi'
import {
  type Client,
  challengeOf,
  EXCHANGE,
  OauthWorld,
  type OwnKey,
  ownKey,
  REDIRECT,
} from '../kit/world-oauth.ts'
import { AWKWARD } from './awkward.ts'
import './packages.ts'

/**
 * Features that the other files of this folder leave out: signed assertions, codes, exchange, JWTs, and two more
 * clients.
 */

const { OAuth2Client } = await import('@badgateway/oauth2-client')

const { default: ClientOAuth2 } = await import('client-oauth2')

const oauth = await import('oauth4webapi')

const openid = await import('openid-client')

const API = 'https://api.example'
const GRANTS = ['client_credentials', 'refresh_token', 'authorization_code', EXCHANGE]
const INSECURE = { [oauth.allowInsecureRequests]: true }

let world: OauthWorld
let as: Oauth.AuthorizationServer
let svc: Client
let key: OwnKey

before(async () => {
  world = await OauthWorld.openReal()
  key = ownKey()
  svc = await world.client('svc', { grantTypes: GRANTS, audiences: [API], accessTokenFormat: 'jwt' })
  await world.client('keyed', { grantTypes: GRANTS, jwks: key.jwks })
  await world.client('open', { grantTypes: ['authorization_code', 'refresh_token'], public: true })
  const issuer = new URL(`${world.server.url}/api/id/v1`)
  const found = await oauth.discoveryRequest(issuer, { algorithm: 'oauth2', ...INSECURE })
  as = await oauth.processDiscoveryResponse(issuer, found)
})
after(() => world.close())

function cryptoKey(): Promise<CryptoKey> {
  const jwk = key.privateKey.export({ format: 'jwk' })
  return webcrypto.subtle.importKey('jwk', jwk, { name: 'ECDSA', namedCurve: 'P-256' }, false, ['sign'])
}

test('oauth4webapi: private_key_jwt at every endpoint, from discovery to revocation', async () => {
  const client: Oauth.Client = { client_id: 'keyed' }
  const by = oauth.PrivateKeyJwt({ key: await cryptoKey(), kid: 'own-1' })
  const asked = await oauth.clientCredentialsGrantRequest(as, client, by, new URLSearchParams(), INSECURE)
  const { access_token: text } = await oauth.processClientCredentialsResponse(as, client, asked)
  const state = async (): Promise<boolean> => {
    const response = await oauth.introspectionRequest(as, client, by, text, INSECURE)
    const answer = await oauth.processIntrospectionResponse(as, client, response)
    return answer.active
  }
  assert.equal(await state(), true)
  await oauth.processRevocationResponse(await oauth.revocationRequest(as, client, by, text, INSECURE))
  assert.equal(await state(), false)
})

test('openid-client: private_key_jwt, refresh, introspection and revocation', async () => {
  const issuer = new URL(`${world.server.url}/api/id/v1`)
  const by = openid.PrivateKeyJwt({ key: await cryptoKey(), kid: 'own-1' })
  const options = { algorithm: 'oauth2' as const, execute: [openid.allowInsecureRequests] }
  const config = await openid.discovery(issuer, 'keyed', undefined, by, options)
  const { refresh } = await world.grant('keyed')
  const next = await openid.refreshTokenGrant(config, refresh)
  assert.equal((await openid.tokenIntrospection(config, next.access_token)).active, true)
  await openid.tokenRevocation(config, String(next.refresh_token))
  assert.deepEqual(await openid.tokenIntrospection(config, next.access_token), { active: false })
})

test('oauth4webapi: a code with PKCE for a public client, refresh and revocation by name alone', async () => {
  const client: Oauth.Client = { client_id: 'open' }
  const verifier = oauth.generateRandomCodeVerifier()
  assert.equal(challengeOf(verifier), await oauth.calculatePKCECodeChallenge(verifier))
  const code = await world.code('open', { codeChallenge: challengeOf(verifier) })
  const callback = new URL(`${REDIRECT}?code=${code}`)
  const parameters = oauth.validateAuthResponse(as, client, callback, oauth.expectNoState)
  const none = oauth.None()
  const asked = await oauth.authorizationCodeGrantRequest(
    as,
    client,
    none,
    parameters,
    REDIRECT,
    verifier,
    INSECURE,
  )
  const issued = await oauth.processAuthorizationCodeResponse(as, client, asked)
  assert.ok(issued.refresh_token !== undefined)
  const again = await oauth.refreshTokenGrantRequest(as, client, none, issued.refresh_token, INSECURE)
  const next = await oauth.processRefreshTokenResponse(as, client, again)
  const over = await oauth.revocationRequest(as, client, none, String(next.refresh_token), INSECURE)
  await oauth.processRevocationResponse(over)
  const late = await oauth.refreshTokenGrantRequest(as, client, none, String(next.refresh_token), INSECURE)
  await assert.rejects(oauth.processRefreshTokenResponse(as, client, late), { error: 'invalid_grant' })
})

test('oauth4webapi: validates our JWT access tokens as a resource server, and signed introspection answers', async () => {
  const client: Oauth.Client = { client_id: svc.clientId }
  const by = oauth.ClientSecretBasic(svc.clientSecret)
  const access = await world.access(svc)
  const request = new Request(API, { headers: { authorization: `Bearer ${access}` } })
  const claims = await oauth.validateJwtAccessToken(as, request, API, INSECURE)
  assert.equal(claims.client_id, 'svc')
  const options = { ...INSECURE, requestJwtResponse: true }
  for (const [text, active] of [
    [access, true],
    ['no token', false],
  ] as const) {
    const response = await oauth.introspectionRequest(as, client, by, text, options)
    assert.match(response.headers.get('content-type') ?? '', /token-introspection\+jwt/)
    const answer = await oauth.processIntrospectionResponse(as, client, response)
    assert.equal(answer.active, active)
    await oauth.validateApplicationLevelSignature(as, response, INSECURE)
  }
})

test('oauth4webapi: token exchange', async () => {
  const client: Oauth.Client = { client_id: svc.clientId }
  const by = oauth.ClientSecretPost(svc.clientSecret)
  const parameters = {
    subject_token: await world.access(svc),
    subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
    scope: 'read',
  }
  const response = await oauth.genericTokenEndpointRequest(as, client, by, EXCHANGE, parameters, INSECURE)
  const answer = await oauth.processGenericTokenEndpointResponse(as, client, response)
  assert.equal(answer.scope, 'read')
  assert.equal(answer['issued_token_type'], 'urn:ietf:params:oauth:token-type:access_token')
})

/** Clients whose secrets break naive Basic authentication, with one server start for all. */
async function awkwardWorld(): Promise<OauthWorld> {
  return OauthWorld.openReal({
    realms: [
      {
        name: 'default',
        oauthClients: AWKWARD.map((one) => ({
          ...one,
          grantTypes: ['client_credentials', 'refresh_token'],
          scopes: ['read'],
        })),
      },
    ],
  })
}

test('@badgateway/oauth2-client: discovery, token, introspection, refresh and revocation by each of its methods', async () => {
  const awkward = await awkwardWorld()
  try {
    for (const authenticationMethod of [
      'client_secret_basic',
      'client_secret_basic_interop',
      'client_secret_post',
    ] as const) {
      for (const { clientId, clientSecret } of AWKWARD) {
        const client = new OAuth2Client({
          server: awkward.server.url,
          clientId,
          clientSecret,
          authenticationMethod,
          discoveryEndpoint: '/.well-known/oauth-authorization-server/api/id/v1',
        })
        const issued = await client.clientCredentials()
        assert.equal((await client.introspect(issued)).active, true)
        const { access, refresh } = await awkward.grant(clientId)
        const held = { accessToken: access, refreshToken: refresh, expiresAt: null }
        const next = await client.refreshToken(held)
        await client.revoke(next, 'refresh_token')
        assert.equal((await client.introspect(next)).active, false)
        await client.revoke(issued)
        assert.equal((await client.introspect(issued)).active, false)
      }
    }
  } finally {
    await awkward.close()
  }
})

test('client-oauth2: client credentials and refresh, with secrets of every kind', async () => {
  const awkward = await awkwardWorld()
  try {
    for (const { clientId, clientSecret } of AWKWARD) {
      const accessTokenUri = `${awkward.server.url}/api/id/v1/auth/token`
      const client = new ClientOAuth2({ clientId, clientSecret, accessTokenUri, scopes: ['read'] }, send)
      const issued = await client.credentials.getToken()
      assert.equal(await awkward.isActive({ clientId, clientSecret }, issued.accessToken), true)
      const { access, refresh } = await awkward.grant(clientId)
      const next = await client.createToken(access, refresh, 'bearer', {}).refresh()
      assert.notEqual(next.refreshToken, refresh)
      await awkward.revoke({ clientId, clientSecret }, next.refreshToken)
      await assert.rejects(next.refresh(), (error: { code?: string }) => error.code === 'EAUTH')
    }
  } finally {
    await awkward.close()
  }
})

type Headers_ = Readonly<Record<string, string | readonly string[]>>

async function send(
  method: string,
  url: string,
  body: string,
  headers: Headers_,
): Promise<{ status: number; body: string }> {
  const response = await fetch(url, { method, body, headers: headers as Record<string, string> })
  return { status: response.status, body: await response.text() }
}

for (const method of ['client_secret_basic', 'client_secret_post'] as const) {
  test(`the whole way by ${method} with secrets of every kind: discovery, token, introspection, refresh, revocation`, async () => {
    const awkward = await awkwardWorld()
    try {
      const issuer = new URL(`${awkward.server.url}/api/id/v1`)
      for (const registered of AWKWARD) {
        const { clientId, clientSecret } = registered
        const found = await oauth.discoveryRequest(issuer, { algorithm: 'oauth2', ...INSECURE })
        const server = await oauth.processDiscoveryResponse(issuer, found)
        const client: Oauth.Client = { client_id: clientId }
        const isBasic = method === 'client_secret_basic'
        const by = isBasic ? oauth.ClientSecretBasic(clientSecret) : oauth.ClientSecretPost(clientSecret)
        const first = await awkward.grant(clientId)
        const asked = await oauth.refreshTokenGrantRequest(server, client, by, first.refresh, INSECURE)
        const next = await oauth.processRefreshTokenResponse(server, client, asked)
        const state = async (text: string): Promise<boolean> => {
          const response = await oauth.introspectionRequest(server, client, by, text, INSECURE)
          return (await oauth.processIntrospectionResponse(server, client, response)).active
        }
        assert.equal(await state(next.access_token), true)
        const revoked = await oauth.revocationRequest(
          server,
          client,
          by,
          String(next.refresh_token),
          INSECURE,
        )
        await oauth.processRevocationResponse(revoked)
        for (const text of [first.access, next.access_token]) assert.equal(await state(text), false)

        const auth = isBasic ? openid.ClientSecretBasic(clientSecret) : openid.ClientSecretPost(clientSecret)
        const options = { algorithm: 'oauth2' as const, execute: [openid.allowInsecureRequests] }
        const config = await openid.discovery(issuer, clientId, undefined, auth, options)
        const second = await openid.refreshTokenGrant(config, (await awkward.grant(clientId)).refresh)
        assert.equal((await openid.tokenIntrospection(config, second.access_token)).active, true)
        await openid.tokenRevocation(config, String(second.refresh_token))
        assert.equal((await openid.tokenIntrospection(config, second.access_token)).active, false)
      }
    } finally {
      await awkward.close()
    }
  })
}

test('the published key set holds public keys that other libraries read', async () => {
  for (const jwk of (await world.keySet()).keys)
    assert.equal(createPublicKey({ key: jwk, format: 'jwk' }).type, 'public')
})
