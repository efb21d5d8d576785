import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bodyJson } from '../../../../test/kit/request.ts'
import {
  accessOf,
  as,
  changeUser,
  openIdentity,
  passwordLogin,
  send,
} from '../../../../test/kit/world-identity.ts'

async function open() {
  const world = await openIdentity()
  const [root, owner, ann] = [await world.login('root'), await world.login('owner'), await world.login('ann')]
  const status = async (...given: Parameters<typeof send>) => (await world.ask(send(...given))).status
  const body = async <T>(...given: Parameters<typeof send>) => {
    const answer = await world.ask(send(...given))
    assert.ok(answer.status < 300, `${answer.status} ${String(answer.body)}`)
    return (await bodyJson(answer)) as T
  }
  return { ...world, root, owner, ann, status, body }
}

type Tenant = { tenant: { id: string; name: string; enabled: boolean; description: string } }

test('one’s own tenants are listed, always with a description and a boolean', async () => {
  const { body, ann, root } = await open()
  assert.deepEqual(await body(ann, 'GET', '/v2.0/tenants'), {
    tenants: [{ id: '900100', name: 'tenant-900100', enabled: true, description: '' }],
    tenants_links: [],
  })
  assert.deepEqual(await body(root, 'GET', '/v2.0/tenants'), { tenants: [], tenants_links: [] })
})

test('operators make, change and delete tenants; a member sees its tenant, a stranger none', async () => {
  const { body, status, root, owner, ann } = await open()
  const tenant = { id: 'p1', name: 'web', description: 'd', enabled: 'true' }
  assert.equal((await body<Tenant>(root, 'POST', '/v2.0/tenants', { tenant })).tenant.enabled, true)
  assert.equal(await status(root, 'POST', '/v2.0/tenants', { tenant }), 409)
  assert.equal(await status(root, 'POST', '/v2.0/tenants', { tenant: { name: 'web' } }), 409)
  for (const bad of [{}, { name: '' }, { name: 'x', enabled: 'no' }, { name: 'x', id: 'domain:x' }])
    assert.equal(await status(root, 'POST', '/v2.0/tenants', { tenant: bad }), 400)
  for (const token of [owner, ann]) {
    assert.equal(await status(token, 'POST', '/v2.0/tenants', { tenant }), 403)
    assert.equal(await status(token, 'GET', '/v2.0/tenants/p1'), 403)
    assert.equal(await status(token, 'GET', '/v2.0/tenants/nowhere'), 403)
    assert.equal(await status(token, 'DELETE', '/v2.0/tenants/p1'), 403)
    assert.equal(await status(token, 'GET', '/v2.0/tenants/900100'), 200)
  }
  assert.equal(await status(root, 'GET', '/v2.0/tenants/nowhere'), 404)
  const changed = await body<Tenant>(root, 'PUT', '/v2.0/tenants/p1', { tenant: { name: 'www' } })
  assert.deepEqual([changed.tenant.name, changed.tenant.description], ['www', 'd'])
  assert.equal(await status(root, 'DELETE', '/v2.0/tenants/p1'), 204)
  assert.equal(await status(root, 'DELETE', '/v2.0/tenants/p1'), 404)
  assert.equal(await status(root, 'GET', '/v2.0/tenants/p1'), 404)
})

test('only operators give and take roles on a tenant, and the roles are listed', async () => {
  const { body, status, ask, root, owner } = await open()
  await body(root, 'POST', '/v2.0/tenants', { tenant: { id: 'p1', name: 'web' } })
  const path = '/v2.0/tenants/p1/users/id-ann/roles'
  assert.equal(await status(owner, 'PUT', `${path}/OS-KSADM/member`), 403)
  assert.equal(await status(root, 'PUT', `${path}/OS-KSADM/nothing`), 404)
  assert.equal(await status(root, 'PUT', `${path}/OS-KSADM/member`), 200)
  const { roles } = await body<{ roles: { id: string; tenantId: string }[] }>(owner, 'GET', path)
  assert.deepEqual(
    roles.map(({ id, tenantId }) => [id, tenantId]),
    [['member', 'p1']],
  )
  const { token } = await accessOf(await ask(passwordLogin('ann', { tenantName: 'web' })))
  assert.equal(token.tenant?.id, 'p1')
  const users = await body<{ users: { id: string }[] }>(root, 'GET', '/v2.0/tenants/p1/users')
  assert.deepEqual(
    users.users.map(({ id }) => id),
    ['id-ann'],
  )
  assert.equal(await status(root, 'DELETE', `${path}/OS-KSADM/member`), 204)
  assert.equal(await status(root, 'DELETE', `${path}/OS-KSADM/member`), 404)
  assert.equal(await status(root, 'GET', `/v2.0/tokens/${token.id}`), 404)
  assert.equal((await ask(passwordLogin('ann', { tenantName: 'web' }))).status, 401)
})

test('operators see a tenant’s users; a member sees those that it governs', async () => {
  const { body, status, owner, ann } = await open()
  const names = async (token: string) =>
    (await body<{ users: { username: string }[] }>(token, 'GET', '/v2.0/tenants/900100/users')).users
      .map(({ username }) => username)
      .sort()
  assert.deepEqual(await names(ann), ['ann'])
  assert.deepEqual(await names(owner), ['ann', 'bob', 'manager', 'manager2', 'owner', 'plain'])
  assert.equal(await status(owner, 'GET', '/v2.0/tenants/900200/users'), 403)
})

test('nobody gives a role that is not below their own, or a role to themselves', async () => {
  const world = await open()
  const { status, root, owner, ann } = world
  const svc = await world.login('svc')
  const manager = await world.login('manager')
  const give = (token: string, user: string, role: string) =>
    status(token, 'PUT', `/v2.0/users/id-${user}/roles/OS-KSADM/${role}`)
  assert.equal(await give(ann, 'ann', '3'), 403)
  assert.equal(await give(owner, 'owner', '1'), 403)
  assert.equal(await give(owner, 'ann', '3'), 403)
  assert.equal(await give(owner, 'ann', 'admin'), 403)
  assert.equal(await give(owner, 'ann', 'service'), 403)
  assert.equal(await give(owner, 'eve', '7'), 403)
  assert.equal(await give(manager, 'ann', '7'), 403)
  assert.equal(await give(manager, 'ann', 'member'), 403)
  assert.equal(await give(owner, 'ann', '7'), 200)
  assert.equal(await give(owner, 'bob', 'member'), 200)
  assert.equal(await give(root, 'bob', '1'), 403)
  assert.equal(await give(root, 'bob', '3'), 200)
  assert.equal(await give(svc, 'plain', '1'), 200)
  assert.equal(await give(svc, 'plain', '4'), 403)
})

test('only operators govern a user with power in v3, in any account', async () => {
  const { status, realm, root, owner } = await open()
  for (const grant of [
    { roleId: 'admin' },
    { roleId: 'admin', system: true },
    { roleId: 'admin', domainId: 'default' },
    { roleId: 'service', tenantId: 'p1' },
    { roleId: '1', system: true },
  ] as const) {
    await changeUser(realm, 'id-bob', { grants: [{ roleId: '2' }, grant] })
    const path = '/v2.0/users/id-bob'
    assert.equal(await status(owner, 'PUT', `${path}/OS-KSADM/password`, { user: { password: 'n' } }), 403)
    assert.equal(await status(owner, 'GET', `${path}/OS-KSADM/credentials`), 403)
    assert.equal(await status(owner, 'POST', `${path}/RAX-AUTH/multi-factor/otp-devices`, {}), 403)
    assert.equal(await status(root, 'GET', path), 200)
  }
})

test('roles are listed with built-in ones first, in pages, and created and deleted by operators', async () => {
  const { body, status, ask, root, owner, ann } = await open()
  const made = await body<{ role: { id: string } }>(root, 'POST', '/v2.0/OS-KSADM/roles', {
    role: { name: 'auditor', description: 'Reads.' },
  })
  // A name that differs only in case is taken, by a built-in or a recorded role.
  for (const name of ['auditor', 'Auditor', 'AUDITOR', 'Identity:Admin', 'ADMIN', 'Reader'])
    assert.equal(await status(root, 'POST', '/v2.0/OS-KSADM/roles', { role: { name } }), 409, name)
  assert.equal(await status(owner, 'POST', '/v2.0/OS-KSADM/roles', { role: { name: 'x' } }), 403)
  assert.equal(await status(ann, 'GET', '/v2.0/OS-KSADM/roles'), 403)
  type Roles = { roles: { id: string }[]; roles_links: { href: string }[] }
  const { roles } = await body<Roles>(owner, 'GET', '/v2.0/OS-KSADM/roles')
  assert.deepEqual([roles[0]?.id, roles.at(-1)?.id], ['1', made.role.id])
  const shown: string[] = []
  const path = '/v2.0/OS-KSADM/roles'
  let query: string | undefined = 'limit=3'
  while (query !== undefined) {
    const page = (await bodyJson(await ask(as(root, 'GET', path, query)))) as Roles
    shown.push(...page.roles.map(({ id }) => id))
    const href = page.roles_links[0]?.href
    query = href === undefined ? undefined : new URL(href).search.slice(1)
  }
  assert.deepEqual(
    shown,
    roles.map(({ id }) => id),
  )
  assert.equal(await status(root, 'DELETE', '/v2.0/OS-KSADM/roles/1'), 403)
  assert.equal(await status(root, 'DELETE', `/v2.0/OS-KSADM/roles/${made.role.id}`), 204)
  assert.equal(await status(root, 'GET', `/v2.0/OS-KSADM/roles/${made.role.id}`), 404)
})

test('the catalog shows the services and endpoints that operators created, with tenants filled in', async () => {
  const { body, status, ask, root, owner, ann } = await open()
  const service = { name: 'nova', type: 'compute' }
  const made = await body<Record<string, { id: string }>>(root, 'POST', '/v2.0/OS-KSADM/services', {
    'OS-KSADM:service': service,
  })
  const id = made['OS-KSADM:service']?.id ?? assert.fail()
  const endpoint = { service_id: id, region: 'R2', publicurl: 'https://c.example.org/v2/%(tenant_id)s' }
  const { endpoint: shown } = await body<{ endpoint: { id: string } }>(root, 'POST', '/v2.0/endpoints', {
    endpoint,
  })
  assert.equal(await status(owner, 'POST', '/v2.0/endpoints', { endpoint }), 403)
  assert.equal(await status(owner, 'GET', '/v2.0/OS-KSADM/services'), 403)
  assert.equal(
    await status(root, 'POST', '/v2.0/endpoints', { endpoint: { ...endpoint, publicurl: 'x' } }),
    400,
  )
  const { serviceCatalog = [] } = await accessOf(await ask(passwordLogin('ann')))
  assert.deepEqual(serviceCatalog[1], {
    ...service,
    endpoints: [{ region: 'R2', tenantId: '900100', publicURL: 'https://c.example.org/v2/900100' }],
    endpoints_links: [],
  })
  const listed = await body<{ endpoints: { id: string; type: string }[] }>(
    ann,
    'GET',
    `/v2.0/tokens/${ann}/endpoints`,
  )
  assert.deepEqual(
    listed.endpoints.map(({ type }) => type),
    ['identity', 'compute'],
  )
  const unscoped = await accessOf(await ask(passwordLogin('root')))
  assert.equal(unscoped.serviceCatalog?.length, 1, 'an address that names a tenant needs one')
  assert.equal(await status(root, 'DELETE', `/v2.0/OS-KSADM/services/${id}`), 204)
  assert.equal(await status(root, 'DELETE', `/v2.0/endpoints/${shown.id}`), 404, 'it went with its service')
})

test('extensions are listed and found by alias', async () => {
  const { body, status, root } = await open()
  const { extensions } = await body<{ extensions: { alias: string }[] }>(root, 'GET', '/v2.0/extensions')
  for (const { alias } of extensions)
    assert.equal(await status(root, 'GET', `/v2.0/extensions/${alias}`), 200)
  assert.equal(await status(root, 'GET', '/v2.0/extensions/nothing'), 404)
})

test('lists of revoked ids are 410, and only operators learn that', async () => {
  const { status, root, owner, ann } = await open()
  const statuses = []
  for (const token of [root, owner, ann, 'x'])
    statuses.push(await status(token, 'GET', '/v2.0/tokens/revoked'))
  assert.deepEqual(statuses, [410, 403, 403, 401])
})

test('a token is validated by header as by path, which keeps it out of URLs', async () => {
  const { ask, root, ann } = await open()
  const path = '/v2.0/OS-KSVALIDATE/token/validate'
  const by = (method: string, subject?: string, token = root) => {
    const headers = {
      'x-auth-token': token,
      ...(subject === undefined ? {} : { 'x-subject-token': subject }),
    }
    return ask({ method, path, headers })
  }
  assert.deepEqual(await by('GET', ann), await ask(as(root, 'GET', `/v2.0/tokens/${ann}`)))
  assert.equal((await by('HEAD', ann)).status, 200)
  assert.equal((await by('GET')).status, 400)
  assert.equal((await by('GET', ann, 'x')).status, 401)
  await ask(as(ann, 'DELETE', '/v2.0/tokens'))
  assert.equal((await by('GET', ann)).status, 404)
  const endpoints = await ask({
    method: 'GET',
    path: '/v2.0/OS-KSVALIDATE/token/endpoints',
    headers: { 'x-auth-token': root, 'x-subject-token': root },
  })
  assert.equal(endpoints.status, 200)
})
