import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { ClientCredentials } from 'simple-oauth2'
import { Calls, type ClientSecret } from '../kit/calls.ts'
import type { TestServer } from '../kit/in-process.ts'
import { OTHER, SVC } from '../kit/seed.ts'
import { AWKWARD_ASCII, openInteropServer } from './awkward.ts'
import './packages.ts'

/** The published simple-oauth2, which accepts only JSON as the answer to a revocation. */

const { default: oauth2 } = await import('simple-oauth2')

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

const WAYS = [
  { authorizationMethod: 'header', credentialsEncodingMode: 'strict' },
  { authorizationMethod: 'header', credentialsEncodingMode: 'loose' },
  { authorizationMethod: 'body' },
] as const

function clientOf(
  { clientId, clientSecret }: ClientSecret,
  options: (typeof WAYS)[number],
): ClientCredentials {
  return new oauth2.ClientCredentials({
    client: { id: clientId, secret: clientSecret },
    auth: {
      tokenHost: server.url,
      tokenPath: '/api/id/v1/auth/token',
      revokePath: '/api/id/v1/auth/token/revoke',
    },
    options,
  })
}

for (const way of WAYS) {
  test(`issues and revokes with secrets of every kind: ${Object.values(way).join(', ')}`, async () => {
    for (const registered of [SVC, ...AWKWARD_ASCII]) {
      const issued = await clientOf(registered, way).getToken({ scope: 'read' })
      assert.equal(issued.expired(), false)
      assert.equal(issued.token['scope'], 'read')
      const text = String(issued.token['access_token'])
      assert.equal(await calls.isActive(registered, text), true)
      await issued.revoke('access_token')
      assert.equal(await calls.isActive(registered, text), false)
      await issued.revoke('access_token')
    }
  })
}

test('refreshes, and revokeAll ends the grant', async () => {
  const grant = await calls.oauthGrant('user-1')
  const stored = { access_token: grant.access, refresh_token: grant.refresh, expires_in: 3_600 }
  const first = clientOf(SVC, WAYS[0]).createToken(stored)
  const second = await first.refresh({ scope: 'read' })
  assert.notEqual(second.token['refresh_token'], grant.refresh)
  await second.revokeAll()
  for (const text of [grant.access, ...Object.values(second.token)].filter(
    (value) => typeof value === 'string',
  ))
    assert.equal(await calls.isActive(SVC, text), false)
  await assert.rejects(second.refresh(), (error) => payloadOf(error)['error'] === 'invalid_grant')
})

test("[C15] shows the whole error of the revocation of another client's token", async () => {
  const foreign = await calls.oauthToken(OTHER)
  const claimed = clientOf(SVC, WAYS[0]).createToken({ access_token: foreign, expires_in: 3_600 })
  await assert.rejects(claimed.revoke('access_token'), (error) => {
    assert.deepEqual(payloadOf(error), {
      error: 'Forbidden',
      error_description: 'permission denied',
      errorDescription: 'permission denied',
    })
    return true
  })
  assert.equal(await calls.isActive(OTHER, foreign), true)
})

function payloadOf(error: unknown): Readonly<Record<string, unknown>> {
  const { data } = error as { readonly data: { readonly payload: Readonly<Record<string, unknown>> } }
  return data.payload
}
