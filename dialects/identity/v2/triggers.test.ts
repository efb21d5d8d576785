import assert from 'node:assert/strict'
import { test } from 'node:test'
import { putRecord } from '@rescind/authority'
import { createOauthDialect, OAUTH_CLIENTS, oauthClientValue } from '@rescind/dialects'
import { type Ask, bodyJson, wireRequest } from '../../../test/kit/request.ts'
import {
  accessOf,
  apiKeyLogin,
  as,
  changeUser,
  FakeNotifier,
  type IdentityWorld,
  openIdentity,
  passwordLogin,
  post,
  putTenant,
  putUser,
  send,
} from '../../../test/kit/world-identity.ts'
import { IDENTITY_ROLES } from '../directory/roles.ts'
import { identityTenantValue } from '../directory/tenants.ts'
import { IDENTITY_USERS, identityUserValue } from '../directory/users.ts'

/** The tokens that a change ends are dead on every read path before the change is answered, and others stay live. */

type World = IdentityWorld & {
  readonly notifier: FakeNotifier
  readonly tokens: ReadonlyMap<string, string>
  readonly isActive: (token: string) => Promise<boolean>
}

const AUDIT = { by: 'test', from: 'local', how: 'test.seed' }

async function openWorld(): Promise<World> {
  const notifier = new FakeNotifier()
  const world = await openIdentity({ notifier })
  const { ask, login, realm } = world
  const painter = { id: 'painter', name: 'painter', description: 'Paints.' }
  const put = { collection: IDENTITY_ROLES, id: 'painter', value: painter, fromVersion: 0 }
  const operations = putRecord(realm, put, AUDIT)
  await realm.commit({ realm: realm.ordinal, dependsOn: [], expects: [], operations })
  await putTenant(realm, identityTenantValue({ id: 'p1', name: 'web' }))
  const grants = [{ roleId: '2' }, { roleId: 'painter', tenantId: 'p1' }]
  const phones = [{ id: 'p', number: '+1 555', isVerified: true }]
  const mfa = { isEnabled: false, enforcement: 'DEFAULT', otpDevices: [], phones } as const
  await changeUser(realm, 'id-ann', { grants, mfa, email: 'ann@example.org' })
  await changeUser(realm, 'id-bob', { grants: [{ roleId: '2' }, { roleId: 'member', tenantId: 'p1' }] })
  const tokenOf = async (given: Ask): Promise<string> => (await accessOf(await ask(given))).token.id
  const home = await login('ann')
  const impersonate = { 'RAX-AUTH:impersonation': { user: { username: 'ann' } } }
  const path = '/v2.0/RAX-AUTH/impersonation-tokens'
  const made = await ask(send(await login('svc'), 'POST', path, impersonate))
  const tokens = new Map([
    ['ann by password', home],
    ['ann by key', await tokenOf(apiKeyLogin('ann'))],
    ['ann on web', await tokenOf(passwordLogin('ann', { tenantId: 'p1' }))],
    ['ann on web by token', await tokenOf(post({ auth: { token: { id: home }, tenantName: 'web' } }))],
    ['ann by another', ((await bodyJson(made)) as { access: { token: { id: string } } }).access.token.id],
    ['bob at home', await login('bob')],
    ['bob on web', await tokenOf(passwordLogin('bob', { tenantId: 'p1' }))],
    ['eve at home', await login('eve')],
    ['manager2 at home', await login('manager2')],
  ])
  return { ...world, notifier, tokens, isActive: await introspection(world) }
}

async function introspection({ realm }: IdentityWorld): Promise<World['isActive']> {
  const client = { clientId: 'gateway', clientSecret: 'gateway-secret' }
  const given = { ...client, grantTypes: ['client_credentials'], scopes: [], introspect: 'any' } as const
  const value = oauthClientValue(realm, given)
  const put = { collection: OAUTH_CLIENTS, id: client.clientId, value, fromVersion: 0 }
  const operations = putRecord(realm, put, AUDIT)
  await realm.commit({ realm: realm.ordinal, dependsOn: [], expects: [], operations })
  const oauth = createOauthDialect({
    baseOf: () => 'http://127.0.0.1:8080',
    replaySeconds: 0,
    cacheTtlSeconds: 0,
    strictHints: false,
  })
  const basic = Buffer.from(`${client.clientId}:${client.clientSecret}`).toString('base64')
  return async (token) => {
    const headers = { authorization: `Basic ${basic}`, 'content-type': 'application/x-www-form-urlencoded' }
    const path = '/api/id/v1/auth/token/introspect'
    const answer = await oauth.handle(
      realm,
      wireRequest({ method: 'POST', path, headers, body: `token=${token}` }),
    )
    return ((await bodyJson(answer)) as { readonly active: boolean }).active
  }
}

/** Every way of asking about a token or using it. */
async function statesOf(world: World, token: string): Promise<readonly boolean[]> {
  const { ask, login, isActive } = world
  const svc = await login('svc')
  const about = (path: string): Ask => ({
    method: 'GET',
    path,
    headers: { 'x-auth-token': svc, 'x-subject-token': token },
  })
  const statuses = []
  for (const given of [
    as(svc, 'GET', `/v2.0/tokens/${token}`),
    as(svc, 'HEAD', `/v2.0/tokens/${token}`),
    as(svc, 'GET', `/v2.0/tokens/${token}.xml`),
    as(svc, 'GET', `/v2.0/tokens/${token}/endpoints`),
    about('/v2.0/OS-KSVALIDATE/token/validate'),
    about('/v3/auth/tokens'),
    as(token, 'GET', '/v2.0/tenants'),
    as(token, 'GET', `/v2.0/tokens/${token}`),
    post({ auth: { token: { id: token } } }),
  ])
    statuses.push((await ask(given)).status)
  for (const status of statuses) assert.ok([200, 401, 404].includes(status), String(statuses))
  return [...statuses.map((status) => status === 200), await isActive(token)]
}

type Trigger = {
  readonly what: string
  readonly by: readonly string[]
  readonly call: (caller: string, world: World) => Ask | Promise<Ask>
  /** The tokens that it ends, by prefix of their names. */
  readonly ends: readonly string[]
}

const ANN = '/v2.0/users/id-ann'
const MFA = `${ANN}/RAX-AUTH/multi-factor`
const GOVERNORS = ['svc', 'root', 'owner', 'manager']
const OPERATORS = ['svc', 'root']
const SINGLE = ['ann by', 'ann on']
const to =
  (method: string, path: string, body?: object): Trigger['call'] =>
  (caller) =>
    send(caller, method, path, body)

const TRIGGERS: readonly Trigger[] = [
  {
    what: 'a password is set',
    by: [...GOVERNORS, 'ann'],
    call: to('POST', ANN, { user: { 'OS-KSADM:password': 'new' } }),
    ends: ['ann'],
  },
  {
    what: 'a password is set in Keystone’s way',
    by: [...GOVERNORS, 'ann'],
    call: to('PUT', `${ANN}/OS-KSADM/password`, { user: { password: 'new' } }),
    ends: ['ann'],
  },
  {
    what: 'password credentials are added',
    by: [...GOVERNORS, 'ann'],
    call: to('POST', `${ANN}/OS-KSADM/credentials`, { passwordCredentials: { password: 'new' } }),
    ends: ['ann'],
  },
  {
    what: 'a user changes its password',
    by: ['ann'],
    call: to('PATCH', '/v2.0/OS-KSCRUD/users/id-ann', {
      user: { password: 'new', original_password: 'pw-ann' },
    }),
    ends: ['ann'],
  },
  {
    what: 'a password is changed by the old one',
    by: ['eve'],
    call: to('POST', '/v2.0/users/RAX-AUTH/change-pwd', {
      'RAX-AUTH:changePasswordCredentials': { username: 'ann', password: 'pw-ann', newPassword: 'new' },
    }),
    ends: ['ann'],
  },
  {
    what: 'a forgotten password is reset',
    by: ['eve'],
    call: async (_, { ask, notifier }) => {
      const asked = post({ 'RAX-AUTH:forgotPasswordCredentials': { username: 'ann' } })
      await ask({ ...asked, path: '/v2.0/users/RAX-AUTH/forgot-pwd' })
      const notice = notifier.notices.at(-1)
      const token = notice?.kind === 'password-reset' ? notice.token : assert.fail()
      const body = { 'RAX-AUTH:passwordReset': { password: 'new' } }
      return send(token, 'POST', '/v2.0/users/RAX-AUTH/pwd-reset', body)
    },
    ends: ['ann'],
  },
  {
    what: 'a password is asked to be forgotten',
    by: ['eve'],
    call: to('POST', '/v2.0/users/RAX-AUTH/forgot-pwd', {
      'RAX-AUTH:forgotPasswordCredentials': { username: 'ann' },
    }),
    ends: [],
  },
  {
    what: 'a user is disabled',
    by: GOVERNORS,
    call: to('PUT', `${ANN}/OS-KSADM/enabled`, { user: { enabled: false } }),
    ends: ['ann'],
  },
  {
    what: 'a user is disabled in the vendor’s way',
    by: GOVERNORS,
    call: to('POST', ANN, { user: { enabled: 'false' } }),
    ends: ['ann'],
  },
  { what: 'a user is deleted', by: GOVERNORS, call: to('DELETE', ANN), ends: ['ann'] },
  {
    what: 'a role that one has everywhere is taken away',
    by: ['svc', 'root', 'owner'],
    call: to('DELETE', `${ANN}/roles/OS-KSADM/2`),
    ends: ['ann'],
  },
  {
    what: 'a role on a tenant is taken away',
    by: OPERATORS,
    call: to('DELETE', '/v2.0/tenants/p1/users/id-ann/roles/OS-KSADM/painter'),
    ends: ['ann on web'],
  },
  {
    what: 'a role is deleted',
    by: OPERATORS,
    call: to('DELETE', '/v2.0/OS-KSADM/roles/painter'),
    ends: ['ann on web'],
  },
  {
    what: 'a tenant is disabled',
    by: OPERATORS,
    call: to('PUT', '/v2.0/tenants/p1', { tenant: { enabled: false } }),
    ends: ['ann on web', 'bob on web'],
  },
  {
    what: 'a tenant is deleted',
    by: OPERATORS,
    call: to('DELETE', '/v2.0/tenants/p1'),
    ends: ['ann on web', 'bob on web'],
  },
  {
    what: 'a user’s own tenant is another',
    by: OPERATORS,
    call: to('PUT', `${ANN}/OS-KSADM/tenant`, { user: { tenantId: '900200' } }),
    ends: ['ann by'],
  },
  {
    what: 'multi-factor is enabled',
    by: [...GOVERNORS, 'ann'],
    call: to('PUT', MFA, { 'RAX-AUTH:multiFactor': { enabled: true } }),
    ends: ['ann'],
  },
  {
    what: 'multi-factor is demanded of a user',
    by: GOVERNORS,
    call: to('PUT', MFA, { 'RAX-AUTH:multiFactor': { userMultiFactorEnforcementLevel: 'REQUIRED' } }),
    ends: SINGLE,
  },
  {
    what: 'multi-factor is demanded of an account',
    by: ['svc', 'root', 'owner'],
    call: to('PUT', '/v2.0/RAX-AUTH/domains/900100/multi-factor', {
      'RAX-AUTH:multiFactorDomain': { domainMultiFactorEnforcementLevel: 'REQUIRED' },
    }),
    ends: ['ann', 'bob', 'manager2'],
  },
  { what: 'multi-factor is switched off', by: GOVERNORS, call: to('DELETE', MFA), ends: [] },
  {
    what: 'an API key is reset',
    by: [...GOVERNORS, 'ann'],
    call: to('POST', `${ANN}/OS-KSADM/credentials/RAX-KSKEY:apiKeyCredentials/RAX-AUTH/reset`),
    ends: [],
  },
  {
    what: 'an API key is deleted',
    by: [...GOVERNORS, 'ann'],
    call: to('DELETE', `${ANN}/OS-KSADM/credentials/RAX-KSKEY:apiKeyCredentials`),
    ends: [],
  },
  {
    what: 'a user is renamed and given another address',
    by: GOVERNORS,
    call: to('POST', ANN, { user: { username: 'anna', email: 'anna@example.org' } }),
    ends: [],
  },
  {
    what: 'a role is given',
    by: ['svc', 'root', 'owner'],
    call: to('PUT', `${ANN}/roles/OS-KSADM/member`),
    ends: [],
  },
  {
    what: 'a tenant is renamed',
    by: OPERATORS,
    call: to('PUT', '/v2.0/tenants/p1', { tenant: { name: 'www' } }),
    ends: [],
  },
]

for (const { what, by, call, ends } of TRIGGERS)
  test(`[B01] [B02] [B03] when ${what}, its tokens end everywhere, and no others; by ${by.join(', ')}`, async () => {
    for (const actor of by) {
      const world = await openWorld()
      const answer = await world.ask(await call(await world.login(actor), world))
      assert.ok([200, 201, 204].includes(answer.status), `${actor}: ${answer.status} ${String(answer.body)}`)
      for (const [name, token] of world.tokens) {
        const isOver = ends.some((start) => name.startsWith(start))
        const states = await statesOf(world, token)
        assert.deepEqual(states, Array(states.length).fill(!isOver), `${actor}: ${name}`)
      }
    }
  })

test('ended tokens stay dead when the change is undone', async () => {
  const world = await openWorld()
  const root = await world.login('root')
  for (const enabled of [false, true])
    await world.ask(send(root, 'PUT', `${ANN}/OS-KSADM/enabled`, { user: { enabled } }))
  for (const [name, token] of world.tokens)
    assert.equal(await world.isActive(token), !name.startsWith('ann'), name)
  assert.equal((await world.ask(passwordLogin('ann'))).status, 200)
})

test('a login under way while the password changes gives no token', async () => {
  const world = await openWorld()
  const root = await world.login('root')
  let isChanged = false
  world.passwords.meanwhile = async () => {
    if (isChanged) return
    isChanged = true
    await world.ask(send(root, 'PUT', `${ANN}/OS-KSADM/password`, { user: { password: 'new' } }))
  }
  assert.equal((await world.ask(passwordLogin('ann'))).status, 401)
})

test('[F08] a login under way while a role is taken away does not carry it', async () => {
  const world = await openWorld()
  const root = await world.login('root')
  let isTaken = false
  world.passwords.meanwhile = async () => {
    if (isTaken) return
    isTaken = true
    await world.ask(as(root, 'DELETE', '/v2.0/tenants/p1/users/id-ann/roles/OS-KSADM/painter'))
  }
  assert.equal((await world.ask(passwordLogin('ann', { tenantId: 'p1' }))).status, 401)
})

test('[B12] other changes leave a disabled user disabled (Gitea CVE-2026-58422)', async () => {
  const world = await openWorld()
  const root = await world.login('root')
  await world.ask(send(root, 'PUT', `${ANN}/OS-KSADM/enabled`, { user: { enabled: false } }))
  for (const [method, path, body] of [
    ['POST', ANN, { user: { 'OS-KSADM:password': 'pw-ann', email: 'x@example.org' } }],
    ['PUT', `${ANN}/OS-KSADM/tenant`, { user: { tenantId: '900100' } }],
    ['PUT', `${ANN}/roles/OS-KSADM/member`, {}],
    ['PUT', '/v2.0/tenants/p1/users/id-ann/roles/OS-KSADM/member', {}],
    ['POST', `${ANN}/OS-KSADM/credentials/RAX-KSKEY:apiKeyCredentials/RAX-AUTH/reset`, {}],
    ['DELETE', MFA, {}],
    ['PUT', '/v2.0/tenants/900100', { tenant: { enabled: true } }],
  ] as const)
    assert.ok((await world.ask(send(root, method, path, body))).status < 300, path)
  assert.equal((await world.ask(passwordLogin('ann'))).status, 403)
})

test('[B16] a user that is read and put back unchanged stays unchanged, and so do its tokens (Keycloak CVE-2026-107623)', async () => {
  const world = await openWorld()
  const root = await world.login('root')
  const before = await world.realm.directory.get(IDENTITY_USERS, 'id-ann')
  for (const method of ['POST', 'PUT']) {
    const body = (await bodyJson(await world.ask(as(root, 'GET', ANN)))) as object
    assert.equal((await world.ask(send(root, method, ANN, body))).status, 200)
  }
  const after = await world.realm.directory.get(IDENTITY_USERS, 'id-ann')
  // Defaults that were shown may now be stored; nothing else changed.
  const { defaultRegion: _region, accountId: _account, ...rest } = after?.value ?? assert.fail()
  assert.deepEqual(rest, before?.value)
  for (const [name, token] of world.tokens) assert.equal(await world.isActive(token), true, name)
})

test('[D10] the same text as the id of a user, a tenant and a role means three different records (CVE-2014-0204)', async () => {
  const world = await openWorld()
  const { realm, ask, login } = world
  const twin = { username: 'twin', passwordHash: 'hash:pw-twin', enabled: true, tenantId: '900100' }
  await putUser(realm, identityUserValue(realm, { id: 'p1', roles: [], ...twin }))
  const token = await login('twin')
  const root = await login('root')
  assert.equal((await ask(send(root, 'PUT', '/v2.0/tenants/p1', { tenant: { enabled: false } }))).status, 200)
  assert.equal(await world.isActive(token), true)
  assert.equal((await ask(as(root, 'DELETE', '/v2.0/users/p1'))).status, 204)
  assert.equal(await world.isActive(token), false)
  assert.equal(await world.isActive(world.tokens.get('bob at home') ?? ''), true)
})

test('[D11] names that look alike are different users, and ending one leaves the others (CVE-2026-73420)', async () => {
  const world = await openWorld()
  const { realm, ask, login } = world
  const names = ['zoé', 'zoe\u0301', 'ZOÉ', 'zоé', 'zoé\u200d', 'ｚoé']
  const tokens = new Map<string, string>()
  for (const [at, username] of names.entries()) {
    const given = {
      id: `look-${at}`,
      username,
      roles: [],
      passwordHash: `hash:pw-${username}`,
      enabled: true,
    }
    await putUser(realm, identityUserValue(realm, given))
    tokens.set(username, await login(username))
  }
  const root = await login('root')
  assert.equal((await ask(as(root, 'DELETE', '/v2.0/users/look-0'))).status, 204)
  for (const [name, token] of tokens) assert.equal(await world.isActive(token), name !== 'zoé', name)
})
