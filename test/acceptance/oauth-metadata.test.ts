import assert from 'node:assert/strict'
import { test } from 'node:test'
import { OauthWorld } from '../kit/world-oauth.ts'

const WELL_KNOWN = '/.well-known/oauth-authorization-server'
const LOGIN = 'https://login.example/authorize'
const PLACES = [`${WELL_KNOWN}/api/id/v1`, `/api/id/v1${WELL_KNOWN}`, `/realms/branch/api/id/v1${WELL_KNOWN}`]

async function opened(flags: readonly string[], run: (world: OauthWorld) => Promise<void>): Promise<void> {
  const world = await OauthWorld.open(flags, { realms: [{ name: 'branch' }] })
  try {
    await run(world)
  } finally {
    await world.close()
  }
}

/* Every flow in the metadata must be usable with the endpoints in the metadata. */

test('[W12] without a login page the metadata promises no flow that begins at one (RFC 8414 §2)', async () => {
  await opened([], async (world) => {
    for (const place of [...PLACES, `${WELL_KNOWN}/realms/branch/api/id/v1`]) {
      const { body } = await world.send(place)
      assert.equal('authorization_endpoint' in body, false, place)
      assert.deepEqual(body['response_types_supported'], [])
      const grantTypes = body['grant_types_supported'] as readonly string[]
      assert.equal(grantTypes.includes('authorization_code') || grantTypes.includes('implicit'), false)
      assert.ok(grantTypes.includes('client_credentials') && grantTypes.includes('refresh_token'))
    }
  })
})

test('[W12] with a login page the metadata names it, and both lists have the code flow', async () => {
  await opened(['--authorization-endpoint', LOGIN], async (world) => {
    for (const place of PLACES) {
      const { body } = await world.send(place)
      assert.equal(body['authorization_endpoint'], LOGIN)
      assert.deepEqual(body['response_types_supported'], ['code'])
      assert.ok((body['grant_types_supported'] as readonly string[]).includes('authorization_code'))
      assert.deepEqual(body['code_challenge_methods_supported'], ['S256'])
    }
  })
})

test('[W12] codes of a login page that the metadata does not name can still be redeemed', async () => {
  await opened([], async (world) => {
    const client = await world.client('app', { grantTypes: ['authorization_code'] })
    assert.equal((await world.redeem(client, await world.code('app'))).status, 200)
  })
})

/*
 * RFC 8414 §3.1 puts the well-known part between the issuer's host and path. A proxy strips the public URL's path from
 * the beginning of a path, and cannot remove it from the middle.
 */

for (const [publicUrl, path] of [
  ['https://host.example/base/', '/base'],
  ['https://host.example/base', '/base'],
  ['https://host.example/a/b/', '/a/b'],
  ['https://host.example/api', '/api'],
  ['https://host.example/realms', '/realms'],
  ['https://host.example/realms/branch', '/realms/branch'],
  ['https://host.example', ''],
] as const) {
  test(`[W14] under ${publicUrl} a client finds the metadata of every realm where RFC 8414 §3.1 says`, async () => {
    await opened(['--public-url', publicUrl], async (world) => {
      for (const realm of ['', '/realms/branch']) {
        const issuer = `https://host.example${path}${realm}/api/id/v1`
        for (const place of [
          WELL_KNOWN + new URL(issuer).pathname,
          `${WELL_KNOWN}${new URL(issuer).pathname}/`,
          // What a proxy leaves of `{public URL}{well-known}…` and `{issuer}{well-known}`.
          `${WELL_KNOWN}${realm}/api/id/v1`,
          `${realm}/api/id/v1${WELL_KNOWN}`,
        ]) {
          // Here the short form of one realm is the full path of another one's issuer, which takes precedence.
          if (path === realm && place === `${WELL_KNOWN}${realm}/api/id/v1` && path !== '') continue
          const { status, body } = await world.send(place)
          assert.equal(status, 200, place)
          assert.equal(body['issuer'], issuer, place)
          assert.equal(body['token_endpoint'], `${issuer}/auth/token`)
        }
      }
    })
  })
}

test('[W14] another path in the middle, and an unknown realm, are 404', async () => {
  await opened(['--public-url', 'https://host.example/base/'], async (world) => {
    for (const path of [
      '/other/api/id/v1',
      '/BASE/api/id/v1',
      '/base/base/api/id/v1',
      '/basement/api/id/v1',
      '/base',
      '/base/',
      '/base/api/id/v2',
      '/base/realms/none/api/id/v1',
      '/base/realms/system/api/id/v1',
      '/base/v3/auth/tokens',
      '/base/api/id/v1/jwks',
    ])
      assert.equal((await world.send(WELL_KNOWN + path)).status, 404, path)
  })
})

test('[W13] a native app gets its code for any free port, and redeems it only with that port (RFC 8252 §7.3)', async () => {
  await opened([], async (world) => {
    const redirectUris = ['http://127.0.0.1/cb', 'http://[::1]/cb', 'http://localhost:8080/cb']
    const client = await world.client('native', { grantTypes: ['authorization_code'], redirectUris })
    for (const host of ['127.0.0.1', '[::1]']) {
      const redirectUri = `http://${host}:53219/cb`
      const code = await world.code('native', { redirectUri })
      for (const other of [`http://${host}/cb`, `http://${host}:53220/cb`])
        assert.equal((await world.redeem(client, code, { redirect_uri: other })).status, 400)
      assert.equal((await world.redeem(client, code, { redirect_uri: redirectUri })).status, 200)
    }
    const asked = {
      clientId: 'native',
      subject: 'ann',
      codeChallenge: 'E'.repeat(43),
      codeChallengeMethod: 'S256',
    }
    for (const redirectUri of [
      'http://localhost:53219/cb',
      'http://127.0.0.1:53219/other',
      'https://127.0.0.1:53219/cb',
    ]) {
      const refused = await world.control('POST', '/grants', { ...asked, redirectUri })
      assert.equal(refused.status, 422, redirectUri)
    }
  })
})
