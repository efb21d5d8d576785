import assert from 'node:assert/strict'
import type { Store } from '@rescind/authority'
import { bodyJson } from '../../../test/kit/request.ts'
import { onBothStores } from '../../../test/kit/stores.ts'
import { accessOf, openIdentity, passwordLogin, send as sendV2 } from '../../../test/kit/world-identity.ts'
import { openV3, send } from '../../../test/kit/world-identity-v3.ts'
import { IDENTITY_USERS } from '../directory/users.ts'

// The body names another record than the path. Ignoring that would change the record in the path when the caller meant
// the other one.

const V2: readonly (readonly [method: string, path: string, body: (id: unknown) => object])[] = [
  ['PUT', '/v2.0/users/id-ann', (id) => ({ user: { id, email: 'new@example.org' } })],
  ['POST', '/v2.0/users/id-ann', (id) => ({ user: { id, email: 'new@example.org' } })],
  ['PUT', '/v2.0/users/id-ann/OS-KSADM/password', (id) => ({ user: { id, password: 'new-password-1' } })],
  ['PUT', '/v2.0/users/id-ann/OS-KSADM/enabled', (id) => ({ user: { id, enabled: false } })],
  ['PUT', '/v2.0/users/id-ann/OS-KSADM/tenant', (id) => ({ user: { id, tenantId: '900200' } })],
]

onBothStores(
  '[C17] v2.0 refuses an update whose body names another user, and changes nothing',
  async (store: Store) => {
    const { ask, login, realm } = await openIdentity({ store })
    const root = await login('root')
    const before = await realm.directory.get(IDENTITY_USERS, 'id-ann')
    for (const [method, path, body] of V2)
      for (const id of ['id-bob', '', 88, {}, [], true, 'ID-ANN'])
        assert.equal(
          (await ask(sendV2(root, method, path, body(id)))).status,
          400,
          `${path} ${JSON.stringify(id)}`,
        )
    assert.deepEqual(await realm.directory.get(IDENTITY_USERS, 'id-ann'), before)
    for (const [method, path, body] of V2)
      for (const id of ['id-ann', null])
        assert.equal((await ask(sendV2(root, method, path, body(id)))).status, 200, path)
  },
)

onBothStores(
  "[C17] v2.0 refuses another user's id where one changes one's own password",
  async (store: Store) => {
    const { ask, login } = await openIdentity({ store })
    const ann = await login('ann')
    const change = (id: string) =>
      ask(
        sendV2(ann, 'PATCH', '/v2.0/OS-KSCRUD/users/id-ann', {
          user: { id, original_password: 'pw-ann', password: 'new-password-1' },
        }),
      )
    assert.equal((await change('id-bob')).status, 400)
    assert.equal((await ask(passwordLogin('ann'))).status, 200)
    assert.equal((await change('id-ann')).status, 200)
  },
)

onBothStores(
  '[C17] v3 refuses a change whose body names another user, project, domain or role',
  async (store: Store) => {
    const { ask, enter } = await openV3({ store })
    const as = await enter('sysadmin')
    const made = await ask(send('POST', '/v3/roles', { as, body: { role: { name: 'painter' } } }))
    const { role } = (await bodyJson(made)) as { role: { id: string } }
    const changes = [
      ['user', '/v3/users/pia', 'pia'],
      ['project', '/v3/projects/team', 'team'],
      ['domain', '/v3/domains/blue', 'blue'],
      ['role', `/v3/roles/${role.id}`, role.id],
    ] as const
    for (const [name, path, own] of changes) {
      const change = async (id: unknown): Promise<number> =>
        (await ask(send('PATCH', path, { as, body: { [name]: { id, description: 'new' } } }))).status
      for (const id of ['another', '', 7, {}, `${own} `])
        assert.equal(await change(id), 400, `${path} ${JSON.stringify(id)}`)
      for (const id of [own, null]) assert.equal(await change(id), 200, path)
    }
    const passwords = { original_password: 'pw-pia', password: 'new-password-1' }
    const password = (id: string) =>
      send('POST', '/v3/users/pia/password', { body: { user: { id, ...passwords } } })
    assert.equal((await ask(password('pol'))).status, 400)
    assert.equal((await ask(password('pia'))).status, 204)
  },
)

onBothStores('the answer to a change repeats what Keystone keeps as extra', async (store: Store) => {
  const { ask, enter } = await openV3({ store })
  const as = await enter('sysadmin')
  const extra = async (name: string, path: string, body: object): Promise<unknown> => {
    const answer = await ask(send('PATCH', path, { as, body: { [name]: body } }))
    assert.equal(answer.status, 200)
    return ((await bodyJson(answer)) as Record<string, { extra?: unknown }>)[name]?.extra
  }
  const email = 'pia@example.org'
  assert.deepEqual(await extra('user', '/v3/users/pia', { email, description: 'd' }), {
    email,
    description: 'd',
  })
  assert.deepEqual(await extra('user', '/v3/users/pia', { email: null }), { description: 'd' })
  assert.deepEqual(await extra('project', '/v3/projects/team', { description: 'd' }), {})
  assert.deepEqual(await extra('domain', '/v3/domains/blue', { description: 'd' }), {})
  const shown = (await bodyJson(await ask(send('GET', '/v3/users/pia', { as })))) as { user: object }
  assert.ok(!('extra' in shown.user))
})

// Numbers in a query have one spelling in v3, as in v2.0.
onBothStores('[N04] v3 accepts a limit in one spelling only', async (store: Store) => {
  const { ask, enter } = await openV3({ store })
  const as = await enter('sysadmin')
  const status = async (path: string, limit: string): Promise<number> =>
    (await ask(send('GET', path, { as, query: `limit=${limit}` }))).status
  for (const path of [
    '/v3/users',
    '/v3/projects',
    '/v3/domains',
    '/v3/roles',
    '/v3/users/pia/application_credentials',
  ]) {
    for (const limit of [
      '01',
      '0',
      '00',
      '%2B1',
      '-1',
      '1.0',
      '1e2',
      '0x1',
      '',
      '%201',
      '1%20',
      '%D9%A1',
      '9999999999',
    ])
      assert.equal(await status(path, limit), 400, `${path}?limit=${limit}`)
    for (const limit of ['1', '10', '999999999'])
      assert.equal(await status(path, limit), 200, `${path}?limit=${limit}`)
  }
})

onBothStores('[W29] v3 logs in with any +json type, and with an id beside a name', async (store: Store) => {
  const { ask } = await openV3({ store })
  const user = { id: 'pia', name: 'pia-name', domain: { id: 'blue', name: 'Blue' }, password: 'pw-pia' }
  const auth = {
    identity: { methods: ['password', 'password'], password: { user } },
    scope: { project: { id: 'team', name: 'team-name' } },
  }
  const login = async (type: string | undefined, body: object = { auth }): Promise<number> => {
    const headers = type === undefined ? {} : { 'content-type': type }
    return (await ask({ method: 'POST', path: '/v3/auth/tokens', headers, body: JSON.stringify(body) }))
      .status
  }
  for (const type of [
    'application/json',
    'application/vnd.api+json',
    'application/vnd.openstack.identity-v3+json',
    'application/problem+JSON; charset=UTF-8',
    undefined,
  ])
    assert.equal(await login(type), 201, String(type))
  for (const type of [
    'text/plain',
    'application/xml',
    'text/x+json',
    'application/json; charset=latin1',
    'application/jsonx',
  ])
    assert.equal(await login(type), 400, type)
})

onBothStores('[W29] v2.0 logs in with a tenant that is null, empty or a number', async (store: Store) => {
  const { ask } = await openIdentity({ store })
  for (const tenantId of [null, '', 900100, '900100']) {
    const access = await accessOf(await ask(passwordLogin('ann', { tenantId })))
    assert.equal(access.token.tenant?.id, '900100', JSON.stringify(tenantId))
  }
  assert.equal((await ask(passwordLogin('ann', { tenantId: 900200 }))).status, 401)
})
