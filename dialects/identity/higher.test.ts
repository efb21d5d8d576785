import assert from 'node:assert/strict'
import { onBothStores } from '../../test/kit/stores.ts'
import {
  accessOf,
  as,
  changeUser,
  passwordLogin,
  putTenant,
  putUser,
  send as send2,
} from '../../test/kit/world-identity.ts'
import {
  byPassword,
  inDomain,
  openV3,
  SYSTEM,
  send as send3,
  type V3World,
} from '../../test/kit/world-identity-v3.ts'
import { identityUserValue } from './directory/directory.ts'

// A user with power over an account, a domain or everything must not act on a user in it whose power reaches further.
// The tests of each call cover the direct way; these cover the ways around it, through the account or domain.

async function openWithService(store: Parameters<typeof openV3>[0]): Promise<V3World> {
  const world = await openV3(store)
  const { realm } = world
  const robot = {
    id: 'id-robot',
    username: 'robot',
    enabled: true,
    passwordHash: 'hash:pw-robot',
    tenantId: '900100',
  }
  const grants = [{ roleId: 'service', tenantId: 'yard' }]
  await putUser(realm, identityUserValue(realm, { ...robot, roles: ['identity:default'], grants }))
  return world
}

onBothStores(
  '[H16] a user-admin neither sees nor ends a token of a user with power beyond the account',
  async (store) => {
    const { ask, login } = await openWithService({ store })
    const [owner, manager] = [await login('owner'), await login('manager')]
    for (const name of ['resident', 'robot']) {
      const token = await login(name)
      for (const caller of [owner, manager])
        for (const given of [
          as(caller, 'GET', `/v2.0/tokens/${token}`),
          as(caller, 'GET', `/v2.0/tokens/${token}/endpoints`),
          as(caller, 'DELETE', `/v2.0/tokens/${token}`),
          as(caller, 'DELETE', '/v2.0/tokens', `tokenId=${token}`),
          send2(caller, 'PUT', `/v2.0/users/id-${name}/OS-KSADM/password`, { user: { password: 'new' } }),
          send2(caller, 'PUT', `/v2.0/users/id-${name}/OS-KSADM/enabled`, { user: { enabled: false } }),
          as(caller, 'DELETE', `/v2.0/users/id-${name}`),
          as(caller, 'DELETE', `/v2.0/users/id-${name}/RAX-AUTH/multi-factor`),
          as(caller, 'DELETE', `/v2.0/users/id-${name}/roles/OS-KSADM/2`),
        ])
          assert.equal((await ask(given)).status, 403, `${given.method} ${given.path}`)
      assert.equal((await ask(as(token, 'GET', '/v2.0/tenants'))).status, 200, name)
    }
  },
)

onBothStores(
  '[H16] the MFA level of an account ends no token of an operator in it, and locks none out',
  async (store) => {
    const { ask, login } = await openV3({ store })
    const path = '/v2.0/RAX-AUTH/domains/900100/multi-factor'
    const level = (domainMultiFactorEnforcementLevel: string) => ({
      'RAX-AUTH:multiFactorDomain': { domainMultiFactorEnforcementLevel },
    })
    for (const [caller, word] of [
      ['owner', 'REQUIRED'],
      ['root', 'RACKSPACE_MANDATED'],
    ] as const) {
      const [resident, bob] = [await login('resident'), await login('bob').catch(() => undefined)]
      assert.equal((await ask(send2(await login(caller), 'PUT', path, level(word)))).status, 204)
      assert.equal((await ask(as(resident, 'GET', '/v2.0/tenants'))).status, 200, word)
      assert.equal((await ask(passwordLogin('resident'))).status, 200, word)
      assert.equal((await ask(byPassword('id-resident'))).status, 401, 'no such password')
      if (bob !== undefined) assert.equal((await ask(as(bob, 'GET', '/v2.0/tenants'))).status, 401)
      assert.equal((await ask(passwordLogin('bob'))).status, 403, word)
    }
  },
)

onBothStores('[H16] the level that is said of an operator itself holds', async (store) => {
  const { ask, login, realm } = await openV3({ store })
  const mfa = { isEnabled: false, enforcement: 'REQUIRED', otpDevices: [], phones: [] } as const
  assert.ok(await login('resident'))
  await changeUser(realm, 'id-resident', { mfa })
  assert.equal((await ask(passwordLogin('resident'))).status, 403)
})

onBothStores('[H16] v3 is no way around v2.0: an admin does not govern a service-admin', async (store) => {
  const world = await openV3({ store })
  const { ask, enter, login, realm } = world
  await changeUser(realm, 'id-svc', { domainId: 'blue' })
  const painter = { as: await enter('chief') }
  for (const [caller, token] of [
    ['an admin everywhere', await enter('chief')],
    ['an admin on the system', await enter('sysadmin')],
    ['an admin of the domain', await enter('governor')],
    ['an admin of the system, in a token of the domain', await enter('chief', inDomain('blue'))],
  ] as const) {
    for (const given of [
      send3('PATCH', '/v3/users/id-svc', { as: token, body: { user: { password: 'taken' } } }),
      send3('PATCH', '/v3/users/id-svc', { as: token, body: { user: { enabled: false } } }),
      send3('DELETE', '/v3/users/id-svc', { as: token }),
      send3('PUT', '/v3/domains/blue/users/id-svc/roles/reader', { as: token }),
      send3('PUT', '/v3/projects/team/users/pol/roles/4', { as: token }),
      send3('PUT', '/v3/domains/blue/users/pol/roles/4', { as: token }),
      send3('PATCH', '/v3/domains/blue', { as: token, body: { domain: { enabled: false } } }),
    ])
      assert.equal((await ask(given)).status, 403, `${caller}: ${given.method} ${given.path}`)
  }
  assert.ok(await login('svc'))
  const svc = (await ask(byPassword('id-svc'))).status
  assert.equal(svc, 401, 'no such password')
  const renamed = send3('PATCH', '/v3/domains/blue', {
    ...painter,
    body: { domain: { description: 'kept' } },
  })
  assert.equal((await ask(renamed)).status, 200, 'what ends nothing is theirs to do')
})

onBothStores('[H16] a domain’s admin governs nobody with power beyond the domain', async (store) => {
  const { ask, enter, realm } = await openV3({ store })
  const governor = await enter('governor')
  const beyond = {
    'an admin of another domain': [{ roleId: 'admin', domainId: 'default' }],
    'a reader of the system': [{ roleId: 'reader', system: true as const }],
    'a service of the system': [{ roleId: 'service', system: true as const }],
    'a service everywhere': [{ roleId: 'service' }],
    'a user-admin of an account': [{ roleId: '3' }],
  }
  for (const [who, grants] of Object.entries(beyond)) {
    await changeUser(realm, 'kim', { grants })
    for (const given of [
      send3('PATCH', '/v3/users/kim', { as: governor, body: { user: { password: 'taken' } } }),
      send3('DELETE', '/v3/users/kim', { as: governor }),
      send3('PUT', '/v3/projects/team/users/kim/roles/reader', { as: governor }),
    ])
      assert.equal((await ask(given)).status, 403, `${who}: ${given.method} ${given.path}`)
  }
  await changeUser(realm, 'kim', { grants: [{ roleId: 'admin', tenantId: 'lab' }] })
  const own = send3('PATCH', '/v3/users/kim', { as: governor, body: { user: { description: 'x' } } })
  assert.equal((await ask(own)).status, 200, 'a role on a project governs nobody')
})

onBothStores('[H16] closing a project shuts nobody out whose power reaches beyond it', async (store) => {
  const { ask, enter, realm } = await openV3({ store })
  const elsewhere = await enter('boss', SYSTEM)
  const closed = send3('PATCH', '/v3/projects/team', {
    as: await enter('governor'),
    body: { project: { enabled: false } },
  })
  assert.equal((await ask(closed)).status, 200)
  assert.equal((await ask(send3('GET', '/v3/users', { as: elsewhere }))).status, 200)
  const login = { auth: { passwordCredentials: { username: 'boss-name', password: 'pw-boss' } } }
  const { token } = await accessOf(await ask(send2('', 'POST', '/v2.0/tokens', login)))
  assert.equal(token.tenant, undefined)
  await putTenant(realm, { id: '900200', name: 'closed', enabled: false })
  assert.equal((await ask(passwordLogin('eve'))).status, 401, 'it is all that a user of it has')
})

const BEYOND = {
  'a service of a project': [{ roleId: 'service', tenantId: 'yard' }],
  'an admin of a domain': [{ roleId: 'admin', domainId: 'blue' }],
  'an admin of a project': [{ roleId: 'admin', tenantId: 'yard' }],
  'a service everywhere': [{ roleId: 'service' }],
  'a reader of the system': [{ roleId: 'reader', system: true as const }],
}

for (const [who, grants] of Object.entries(BEYOND))
  onBothStores(
    `[H16] a user-admin can neither lock out nor take over ${who} in its account`,
    async (store) => {
      const { ask, login, realm } = await openV3({ store })
      await changeUser(realm, 'id-bob', { grants: [{ roleId: '2' }, ...grants] })
      const [owner, bob] = [await login('owner'), await login('bob')]
      for (const given of [
        send2(owner, 'PUT', '/v2.0/users/id-bob/OS-KSADM/password', { user: { password: 'taken' } }),
        send2(owner, 'POST', '/v2.0/users/id-bob', { user: { email: 'thief@example.org' } }),
        as(owner, 'GET', '/v2.0/users/id-bob/OS-KSADM/credentials'),
        as(owner, 'DELETE', `/v2.0/tokens/${bob}`),
      ])
        assert.equal((await ask(given)).status, 403, given.path)
      const path = '/v2.0/RAX-AUTH/domains/900100/multi-factor'
      const level = (word: string) => ({
        'RAX-AUTH:multiFactorDomain': { domainMultiFactorEnforcementLevel: word },
      })
      assert.equal((await ask(send2(owner, 'PUT', path, level('REQUIRED')))).status, 204)
      assert.equal((await ask(as(bob, 'GET', '/v2.0/tenants'))).status, 200)
      assert.equal((await ask(passwordLogin('bob'))).status, 200)
      const mandated = send2(await login('root'), 'PUT', path, level('RACKSPACE_MANDATED'))
      assert.equal((await ask(mandated)).status, 204)
      assert.equal((await ask(passwordLogin('bob'))).status, 403, 'operators mandate it')
    },
  )

onBothStores(
  '[H16] a user who loses power beyond its account becomes subject to its MFA level',
  async (store) => {
    const { ask, login, realm } = await openV3({ store })
    const grants = [{ roleId: '2' }, { roleId: 'service', tenantId: 'yard' }]
    await changeUser(realm, 'id-bob', { grants, tenantId: '900100' })
    const path = '/v2.0/RAX-AUTH/domains/900100/multi-factor'
    const body = { 'RAX-AUTH:multiFactorDomain': { domainMultiFactorEnforcementLevel: 'REQUIRED' } }
    assert.equal((await ask(send2(await login('owner'), 'PUT', path, body))).status, 204)
    const bob = await login('bob')
    const taken = as(await login('root'), 'DELETE', '/v2.0/tenants/yard/users/id-bob/roles/OS-KSADM/service')
    assert.equal((await ask(taken)).status, 204)
    assert.equal((await ask(as(bob, 'GET', '/v2.0/tenants'))).status, 401)
    assert.equal((await ask(passwordLogin('bob'))).status, 403)
  },
)
