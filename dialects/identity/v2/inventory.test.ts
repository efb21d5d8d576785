import assert from 'node:assert/strict'
import { test } from 'node:test'
import { as, neverIssued, openIdentity, send } from '../../../test/kit/world-identity.ts'
import { V2_ROUTES } from './routes.ts'

/** Calls without a token: version documents, and calls with another proof. */
const OPEN: ReadonlySet<string> = new Set([
  ...['/', '/v2.0', '/v2.0/extensions', '/v2.0/extensions/{alias}'].flatMap((path) => [
    `GET ${path}`,
    `HEAD ${path}`,
  ]),
  'POST /v2.0/tokens',
  'POST /v2.0/users/RAX-AUTH/change-pwd',
  'POST /v2.0/users/RAX-AUTH/forgot-pwd',
])

type Place = { readonly name: string; readonly method: string; readonly path: string }

/** Every route and method that needs a token, with these values for its ids. */
function guarded(values: Readonly<Record<string, string>>): readonly Place[] {
  return V2_ROUTES.flatMap(({ template, methods }) =>
    [...methods.keys()].map((method) => ({
      name: `${method} ${template}`,
      method,
      path: template.replaceAll(/\{(\w+)\}/g, (_, name: string) => values[name] ?? 'x'),
    })),
  ).filter(({ name }) => !OPEN.has(name))
}

test('[C07] [C14] every call that is not listed here is 401 without a live token, and writes nothing', async () => {
  const { ask, login, realm, store } = await openIdentity()
  const dead = await login('root')
  await ask(as(dead, 'DELETE', '/v2.0/tokens'))
  const before = await store.head(realm.ordinal)
  for (const { name, method, path } of guarded({ userId: 'id-ann', tenantId: '900100', roleId: '2' }))
    for (const token of [undefined, 'x', neverIssued(realm), dead]) {
      const headers = { 'content-type': 'application/json', ...(token && { 'x-auth-token': token }) }
      const answer = await ask({ method, path, headers, body: '{"user":{"enabled":false}}' })
      assert.equal(answer.status, 401, name)
    }
  assert.deepEqual(await store.head(realm.ordinal), before)
})

/** Ids of another user or account, and a body with which the call would work. */
const FOREIGN = { userId: 'id-eve', tenantId: '900200', accountId: '900200', roleId: 'member' }
const BODY = {
  user: { enabled: false, password: 'n', tenantId: '900100', original_password: 'pw-eve' },
  passwordCredentials: { password: 'n' },
  'RAX-AUTH:multiFactor': { enabled: false },
  'RAX-AUTH:multiFactorDomain': { domainMultiFactorEnforcementLevel: 'REQUIRED' },
  'RAX-AUTH:otpDevice': { name: 'x' },
  'RAX-AUTH:mobilePhone': { number: '+1 555 0100' },
  'RAX-AUTH:verificationCode': { code: '1' },
  'RAX-AUTH:impersonation': { user: { username: 'eve' } },
  tenant: { name: 'mine', enabled: false },
  role: { name: 'mine' },
  'OS-KSADM:service': { name: 'a', type: 'b' },
  endpoint: { service_id: 'a', publicurl: 'http://a' },
  // Members that a policy engine that trusts bodies would use (bug 2148398 of Keystone).
  target: { user: { id: 'id-ann' } },
  user_id: 'id-eve',
  is_admin: true,
  roles: ['identity:admin'],
  constructor: { prototype: { isAdmin: true } },
}

/** Lists and forms about the caller itself. */
const OWN: ReadonlySet<string> = new Set(
  ['/v2.0/users', '/v2.0/tenants'].flatMap((path) => [`GET ${path}`, `HEAD ${path}`]),
)

test('[C09] a caller who governs nobody reaches no other user by any route or body: 403, and nothing is written', async () => {
  const { ask, login, realm, store } = await openIdentity()
  for (const name of ['ann', 'plain', 'loose2']) {
    const caller = await login(name)
    const victim = await login('eve')
    const before = await store.head(realm.ordinal)
    for (const { name: route, method, path } of guarded({ ...FOREIGN, tokenId: victim })) {
      if (OWN.has(route) || route === 'DELETE /v2.0/tokens') continue
      const given = send(caller, method, path, BODY)
      const answer = await ask({ ...given, headers: { ...given.headers, 'x-subject-token': victim } })
      assert.equal(answer.status, 403, `${name}: ${route}`)
    }
    assert.deepEqual(await store.head(realm.ordinal), before)
  }
})

test('a user-admin reaches no user of another account by any route', async () => {
  const { ask, login, realm, store } = await openIdentity()
  const caller = await login('owner')
  const before = await store.head(realm.ordinal)
  for (const { name, method, path } of guarded({ ...FOREIGN, tokenId: await login('eve') })) {
    if (!/\{(?:userId|tenantId|accountId|tokenId)\}/.test(name)) continue
    assert.equal((await ask(send(caller, method, path, BODY))).status, 403, name)
  }
  assert.deepEqual(await store.head(realm.ordinal), before)
})

test('every route that costs work is rate-limited', () => {
  const open = V2_ROUTES.filter(({ isRateLimited }) => !isRateLimited).map(({ template }) => template)
  assert.deepEqual(open, ['/', '/v2.0', '/v2.0/extensions', '/v2.0/extensions/{alias}'])
})
