import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type * as Openid from 'openid-client'
import { Calls, type ClientSecret } from '../kit/calls.ts'
import type { TestServer } from '../kit/in-process.ts'
import { GATEWAY, OTHER, SVC } from '../kit/seed.ts'
import { AWKWARD, openInteropServer } from './awkward.ts'
import './packages.ts'

/** The published openid-client, which by default sends credentials in the body. */

const client = await import('openid-client')

let server: TestServer
let calls: Calls
before(async () => {
  server = await openInteropServer()
  calls = new Calls(server.port)
})
after(async () => {
  calls.close()
  await server.close()
})

function discover(
  { clientId, clientSecret }: ClientSecret,
  by?: Openid.ClientAuth,
): Promise<Openid.Configuration> {
  const issuer = new URL(`${server.url}/api/id/v1`)
  return client.discovery(issuer, clientId, clientSecret, by, {
    algorithm: 'oauth2',
    execute: [client.allowInsecureRequests],
  })
}

test('issues, introspects and revokes, with secrets of every kind, by body and by header', async () => {
  for (const registered of [SVC, GATEWAY, ...AWKWARD]) {
    for (const by of [undefined, client.ClientSecretBasic(registered.clientSecret)]) {
      const config = await discover(registered, by)
      const { access_token: text } = await client.clientCredentialsGrant(config)
      assert.equal((await client.tokenIntrospection(config, text)).active, true)
      await client.tokenRevocation(config, text, { token_type_hint: 'access_token' })
      assert.deepEqual(await client.tokenIntrospection(config, text), { active: false })
      await client.tokenRevocation(config, text)
    }
  }
})

test('refreshes, and the revocation of the refresh token ends the grant', async () => {
  const config = await discover(SVC)
  const grant = await calls.oauthGrant('user-1')
  const next = await client.refreshTokenGrant(config, grant.refresh, { scope: 'read' })
  assert.equal(next.scope, 'read')
  await client.tokenRevocation(config, String(next.refresh_token), { token_type_hint: 'refresh_token' })
  for (const text of [grant.access, next.access_token])
    assert.deepEqual(await client.tokenIntrospection(config, text), { active: false })
  await assert.rejects(client.refreshTokenGrant(config, String(next.refresh_token)), {
    name: 'ResponseBodyError',
    error: 'invalid_grant',
  })
})

test("gets an error for another client's token, which stays live", async () => {
  const [own, foreign] = [await discover(SVC), await discover(OTHER)]
  const { access_token: text } = await client.clientCredentialsGrant(foreign)
  await assert.rejects(client.tokenRevocation(own, text), {
    name: 'ResponseBodyError',
    error: 'Forbidden',
    status: 403,
  })
  assert.equal((await client.tokenIntrospection(foreign, text)).active, true)
})

test('gets an error for a wrong secret', async () => {
  const config = await discover({ ...SVC, clientSecret: 'wrong' })
  await assert.rejects(client.clientCredentialsGrant(config), { error: 'invalid_client', status: 401 })
})
