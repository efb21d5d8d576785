import assert from 'node:assert/strict'
import { execPath } from 'node:process'
import { fileURLToPath } from 'node:url'
import { AWKWARD, openInteropServer } from '../interop/awkward.ts'
import { Calls } from '../kit/calls.ts'
import type { TestServer } from '../kit/in-process.ts'
import { ANN, BOB, GATEWAY, ROOT, SVC } from '../kit/seed.ts'
import { python, run } from './command.ts'

/** The name of the operator's tenant in the tests' seed. */
const OPERATORS = 'operators'

async function withServer<T>(act: (server: TestServer) => Promise<T>): Promise<T> {
  const server = await openInteropServer()
  try {
    return await act(server)
  } finally {
    await server.close()
  }
}

export function keystoneclient(): Promise<string> {
  const people = [ROOT.username, ROOT.password, OPERATORS, BOB.username, BOB.password]
  return withServer(({ url }) => python('keystoneclient_v2.py', [url, ...people]))
}

export function libcloud(): Promise<string> {
  const { username, apiKey, password, tenant } = ANN
  return withServer(({ url }) => python('libcloud_identity.py', [url, username, apiKey, password, tenant]))
}

/** Runs the tests that `npm test` has for npm's client. In a Node of their own, because they use its test runner. */
export async function pkgcloud(): Promise<string> {
  const files = ['pkgcloud', 'pkgcloud-v3'].map((name) =>
    fileURLToPath(new URL(`../interop/${name}.test.ts`, import.meta.url)),
  )
  const { status, output, errors } = await run(execPath, ['--test', ...files])
  assert.equal(status, 0, `${output}\n${errors}`)
  return 'pkgcloud: logged in by API key, by password and by v3, validated, was refused what was revoked'
}

export function authlib(): Promise<string> {
  // It sends credentials raw in Latin-1, so an id cannot contain a colon; ours do not.
  const secrets = [SVC, GATEWAY, ...AWKWARD].flatMap(({ clientId, clientSecret }) => [clientId, clientSecret])
  return withServer(({ url }) => python('authlib_oauth.py', [url, ...secrets]))
}

/** `openstack token issue` and `token revoke`, through the plugin for v2.0. */
export function openstackCli(): Promise<string> {
  return withServer(async ({ url, port }) => {
    const admin = (words: readonly string[]): ReturnType<typeof run> => openstack(ROOT, words, [])
    const openstack = (
      person: typeof ROOT,
      words: readonly string[],
      noun: readonly string[] = ['token'],
    ): ReturnType<typeof run> =>
      run('openstack', ['--os-auth-type', 'v2password', ...noun, ...words], {
        OS_IDENTITY_API_VERSION: '2.0',
        OS_AUTH_URL: `${url}/v2.0`,
        OS_USERNAME: person.username,
        OS_PASSWORD: person.password,
        OS_TENANT_ID: person.tenant,
        HOME: '/nonexistent',
      })
    const issued = await openstack(BOB, ['issue', '-f', 'json'])
    assert.equal(issued.status, 0, issued.errors)
    const { id } = JSON.parse(issued.output) as { readonly id: string }
    const calls = new Calls(port)
    try {
      assert.equal(await calls.isActive(GATEWAY, id), true)
      const revoked = await openstack(ROOT, ['revoke', id])
      assert.equal(revoked.status, 0, revoked.errors)
      assert.equal(await calls.isActive(GATEWAY, id), false)
    } finally {
      calls.close()
    }
    const again = await openstack(ROOT, ['revoke', id])
    assert.equal(again.status, 1)
    assert.match(again.errors, /HTTP 404/)
    const made = await admin(['user', 'create', 'zoe', '--password', 'zoe-password-1', '-f', 'json'])
    assert.equal(made.status, 0, made.errors)
    const users = await admin(['user', 'list', '-f', 'json'])
    assert.match(users.output, /"zoe"/, users.errors)
    const gone = await admin(['user', 'delete', 'zoe'])
    assert.equal(gone.status, 0, gone.errors)
    return 'openstack: issued, revoked, not found; made and deleted a user'
  })
}
