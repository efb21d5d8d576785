import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type * as Oauth from 'oauth4webapi'
import { Calls } from '../kit/calls.ts'
import type { TestServer } from '../kit/in-process.ts'
import { GATEWAY, OTHER, SVC } from '../kit/seed.ts'
import { AWKWARD, openInteropServer } from './awkward.ts'
import './packages.ts'

/** The published oauth4webapi, which checks every answer strictly. */

const oauth = await import('oauth4webapi')

const INSECURE = { [oauth.allowInsecureRequests]: true }

let server: TestServer
let calls: Calls
let as: Oauth.AuthorizationServer
before(async () => {
  server = await openInteropServer()
  calls = new Calls(server.port)
  const issuer = new URL(`${server.url}/api/id/v1`)
  const response = await oauth.discoveryRequest(issuer, { ...INSECURE, algorithm: 'oauth2' })
  as = await oauth.processDiscoveryResponse(issuer, response)
})
after(async () => {
  calls.close()
  await server.close()
})

type Registered = { readonly clientId: string; readonly clientSecret: string }
type Method = 'client_secret_basic' | 'client_secret_post'

function client({ clientId }: Registered): Oauth.Client {
  return { client_id: clientId }
}

function authentication({ clientSecret }: Registered, method: Method): Oauth.ClientAuth {
  return method === 'client_secret_basic'
    ? oauth.ClientSecretBasic(clientSecret)
    : oauth.ClientSecretPost(clientSecret)
}

async function token(
  registered: Registered,
  method: Method,
  scope?: string,
): Promise<Oauth.TokenEndpointResponse> {
  const parameters = scope === undefined ? {} : { scope }
  const response = await oauth.clientCredentialsGrantRequest(
    as,
    client(registered),
    authentication(registered, method),
    parameters,
    INSECURE,
  )
  return oauth.processClientCredentialsResponse(as, client(registered), response)
}

async function introspect(registered: Registered, text: string): Promise<Oauth.IntrospectionResponse> {
  const by = authentication(registered, 'client_secret_basic')
  const response = await oauth.introspectionRequest(as, client(registered), by, text, INSECURE)
  return oauth.processIntrospectionResponse(as, client(registered), response)
}

async function revoke(
  registered: Registered,
  text: string,
  method: Method = 'client_secret_basic',
): Promise<void> {
  const by = authentication(registered, method)
  const hint = { additionalParameters: { token_type_hint: 'access_token' } }
  await oauth.processRevocationResponse(
    await oauth.revocationRequest(as, client(registered), by, text, { ...INSECURE, ...hint }),
  )
}

test('discovers the endpoints and how clients authenticate', () => {
  assert.equal(as.revocation_endpoint, `${server.url}/api/id/v1/auth/token/revoke`)
  const proved = ['client_secret_basic', 'client_secret_post', 'private_key_jwt']
  assert.deepEqual(as.introspection_endpoint_auth_methods_supported, proved)
  for (const methods of [
    as.token_endpoint_auth_methods_supported,
    as.revocation_endpoint_auth_methods_supported,
  ])
    assert.deepEqual(methods, [...proved, 'none'])
})

for (const method of ['client_secret_basic', 'client_secret_post'] as const) {
  test(`issues, introspects and revokes by ${method}, with secrets of every kind`, async () => {
    for (const registered of [SVC, GATEWAY, ...AWKWARD]) {
      const issued = await token(registered, method)
      assert.equal(issued.token_type, 'bearer')
      assert.equal(issued.expires_in, 3_600)
      assert.equal((await introspect(registered, issued.access_token)).active, true)
      await revoke(registered, issued.access_token, method)
      assert.deepEqual(await introspect(registered, issued.access_token), { active: false })
      await revoke(registered, issued.access_token, method)
    }
  })
}

test('narrows the scope, and shows whose token it is', async () => {
  const issued = await token(SVC, 'client_secret_basic', 'read')
  assert.equal(issued.scope, 'read')
  const { iat, exp, ...shown } = await introspect(SVC, issued.access_token)
  assert.equal((exp ?? 0) - (iat ?? 0), 3_600)
  assert.match(String(shown.jti), /^tok_/)
  assert.deepEqual(
    { ...shown, jti: '' },
    {
      active: true,
      scope: 'read',
      client_id: 'svc',
      token_type: 'Bearer',
      sub: 'svc',
      iss: as.issuer,
      jti: '',
      cache_ttl: 5,
    },
  )
})

test('refreshes, and the revocation of the refresh token ends the grant', async () => {
  const grant = await calls.oauthGrant('user-1')
  const by = authentication(SVC, 'client_secret_basic')
  const response = await oauth.refreshTokenGrantRequest(as, client(SVC), by, grant.refresh, INSECURE)
  const next = await oauth.processRefreshTokenResponse(as, client(SVC), response)
  assert.ok(next.refresh_token !== undefined && next.refresh_token !== grant.refresh)
  await revoke(SVC, next.refresh_token)
  for (const text of [grant.access, next.access_token, next.refresh_token])
    assert.deepEqual(await introspect(SVC, text), { active: false })
  const refused = await oauth.refreshTokenGrantRequest(as, client(SVC), by, next.refresh_token, INSECURE)
  await assert.rejects(oauth.processRefreshTokenResponse(as, client(SVC), refused), {
    name: 'ResponseBodyError',
    error: 'invalid_grant',
    status: 400,
  })
})

test("[C06] gets an error for another client's token, and sees it as inactive", async () => {
  const { access_token: text } = await token(OTHER, 'client_secret_basic')
  await assert.rejects(revoke(SVC, text), { name: 'ResponseBodyError', error: 'Forbidden', status: 403 })
  assert.deepEqual(await introspect(SVC, text), { active: false })
  assert.equal((await introspect(GATEWAY, text)).active, true)
})

test('gets an error for a wrong scope, and for a wrong secret by header and by body', async () => {
  await assert.rejects(token(SVC, 'client_secret_basic', 'admin'), { error: 'invalid_scope' })
  const wrong = { ...SVC, clientSecret: 'wrong' }
  await assert.rejects(token(wrong, 'client_secret_post'), { error: 'invalid_client', status: 401 })
  await assert.rejects(token(wrong, 'client_secret_basic'), { name: 'WWWAuthenticateChallengeError' })
})
