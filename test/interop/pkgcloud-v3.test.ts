import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Failure } from 'pkgcloud'
import { Calls } from '../kit/calls.ts'
import { openServer } from '../kit/in-process.ts'
import { BOB, GATEWAY } from '../kit/seed.ts'
import './packages.ts'

/** The published pkgcloud, with Keystone's v3. */

const { default: pkgcloud } = await import('pkgcloud')

test('pkgcloud logs in by v3, for a project, and gets an error for a wrong password', async () => {
  const server = await openServer({ time: 'real' })
  const calls = new Calls(server.port)
  try {
    const client = (password: string): ReturnType<typeof pkgcloud.compute.createClient> =>
      pkgcloud.compute.createClient({
        ...{ provider: 'openstack', authUrl: server.url, keystoneAuthVersion: 'v3', region: 'RegionOne' },
        ...{ username: BOB.username, password, domainId: 'default', tenantId: BOB.tenant },
        // Our catalog lists only the Identity service, so the client is told not to use it.
        useServiceCatalog: false,
      })
    const good = client(BOB.password)
    await new Promise<void>((resolve, reject) => {
      good.auth((failure) => (failure ? reject(failure) : resolve()))
    })
    const { token } = good._identity
    assert.equal(token.tenant?.id, BOB.tenant)
    assert.equal(await calls.isActive(GATEWAY, token.id), true)
    const failure = await new Promise<Failure | undefined>((resolve) => {
      client('wrong').auth((given) => resolve(given ?? undefined))
    })
    assert.equal(failure?.statusCode, 401)
  } finally {
    calls.close()
    await server.close()
  }
})
