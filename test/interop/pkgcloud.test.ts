import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { CloudClient, Failure, Identity } from 'pkgcloud'
import type { IdentityClient } from 'pkgcloud/lib/pkgcloud/openstack/index.js'
import { Calls } from '../kit/calls.ts'
import type { TestServer } from '../kit/in-process.ts'
import { ANN, BOB, EVE, ROOT } from '../kit/seed.ts'
import { openInteropServer } from './awkward.ts'
import './packages.ts'

/** The published pkgcloud, the vendor's own client for Node. */

const { default: pkgcloud } = await import('pkgcloud')

const { default: openstack } = await import('pkgcloud/lib/pkgcloud/openstack/index.js')

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

/** Our catalog lists only the Identity service, so the client is told not to use it. */
const WITHOUT_CATALOG = { useServiceCatalog: false, region: 'RegionOne' }

function rackspace(credentials: object): CloudClient {
  const options = { provider: 'rackspace', authUrl: server.url, ...WITHOUT_CATALOG, ...credentials }
  return pkgcloud.compute.createClient(options)
}

function operator(): IdentityClient {
  const { username, password } = ROOT
  return openstack.identity.createClient({ authUrl: server.url, username, password, ...WITHOUT_CATALOG })
}

async function login(client: CloudClient): Promise<Identity> {
  await new Promise<void>((resolve, reject) => {
    client.auth((failure) => (failure ? reject(failure) : resolve()))
  })
  return client._identity
}

type Validated = { readonly failure: Failure | null; readonly body: unknown }

function validate(client: IdentityClient, token: string, tenant?: string): Promise<Validated> {
  return new Promise((resolve) => {
    const done = (failure: Failure | null, body: unknown): void => resolve({ failure, body })
    if (tenant === undefined) client.validateToken(token, done)
    else client.validateToken(token, tenant, done)
  })
}

test('logs in at Rackspace by API key, and by password', async () => {
  const { username, apiKey, password } = ANN
  for (const credentials of [
    { username, apiKey },
    { username, password },
  ]) {
    const identity = await login(rackspace(credentials))
    assert.equal(identity.user.name, 'ann')
    assert.equal(identity.token.tenant.id, ANN.tenant)
    assert.ok(identity.token.expires.getTime() > Date.now() + 86_000_000)
    assert.equal((await calls.identity('GET', identity.token.id, identity.token.id)).status, 200)
  }
})

test('gets an error for a wrong API key', async () => {
  const client = rackspace({ username: ANN.username, apiKey: 'wrong' })
  await assert.rejects(login(client), (failure: Failure) => failure.statusCode === 401)
})

test('an operator validates a token, with and without its tenant, until it is revoked: then 404', async () => {
  const client = operator()
  const token = await calls.identityToken(BOB)
  for (const tenant of [undefined, BOB.tenant]) {
    const { failure, body } = await validate(client, token, tenant)
    assert.equal(failure, null)
    const { access } = body as { access: { token: { id: string }; user: { id: string } } }
    assert.deepEqual([access.token.id, access.user.id], [token, BOB.id])
  }
  assert.equal((await validate(client, token, EVE.tenant)).failure?.statusCode, 401)
  assert.equal((await calls.identity('DELETE', token, '')).status, 204)
  for (const tenant of [undefined, BOB.tenant]) {
    const { failure } = await validate(client, token, tenant)
    assert.equal(failure?.statusCode, 404)
    assert.deepEqual(failure?.result, { itemNotFound: { code: 404, message: 'Token not found.' } })
  }
})

test('an operator whose own token was revoked is 401', async () => {
  const client = operator()
  const { token } = await login(client)
  const target = await calls.identityToken(BOB)
  assert.equal((await calls.identity('DELETE', token.id, '')).status, 204)
  assert.equal((await validate(client, target)).failure?.statusCode, 401)
  assert.equal((await calls.identity('GET', target, target)).status, 200)
})
