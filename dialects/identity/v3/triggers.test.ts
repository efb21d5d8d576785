import assert from 'node:assert/strict'
import { test } from 'node:test'
import { putRecord } from '@rescind/authority'
import { createOauthDialect, OAUTH_CLIENTS, oauthClientValue } from '@rescind/dialects'
import { bodyJson, wireRequest } from '../../../test/kit/request.ts'
import { as, passwordLogin } from '../../../test/kit/world-identity.ts'
import {
  byPassword,
  inDomain,
  inProject,
  logIn,
  openV3,
  SYSTEM,
  send,
  subjectToken,
  type V3World,
} from '../../../test/kit/world-identity-v3.ts'

/** The tokens that a change ends are dead on every read path before the change is answered, and others stay live. */

type Made = { readonly application_credential: { readonly id: string; readonly secret: string } }
type World = V3World & {
  readonly tokens: ReadonlyMap<string, string>
  readonly credentialId: string
  readonly isActive: (token: string) => Promise<boolean>
}

const GATEWAY = { clientId: 'gateway', clientSecret: 'gateway-secret' }

/** Tokens of every scope and origin, by user and purpose. */
async function openWorld(): Promise<World> {
  const world = await openV3()
  const { ask, enter } = world
  const chief = await enter('chief')
  for (const path of [
    'projects/lab/users/pia/roles/member',
    'domains/blue/users/pia/roles/member',
    'system/users/pia/roles/member',
    'projects/lab/users/eva/roles/reader',
  ]) {
    const [place = '', role = ''] = path.split('/roles/')
    assert.equal((await ask(send('PUT', `/v3/${place}/roles/${role}`, { as: chief }))).status, 204)
  }
  const body = { application_credential: { name: 'ci' } }
  const path = '/v3/users/pia/application_credentials'
  const made = await ask(send('POST', path, { as: await enter('pia'), body }))
  const { id, secret } = ((await bodyJson(made)) as Made).application_credential
  const byApp = logIn({ methods: ['application_credential'], application_credential: { id, secret } })
  const v2 = passwordLogin('pia-name', { tenantId: 'team' })
  const ofV2 = { ...v2, body: String(v2.body).replace('pw-pia-name', 'pw-pia') }
  type Access = { readonly access: { readonly token: { readonly id: string } } }
  const tokens = new Map([
    ['pia unscoped', await enter('pia', 'unscoped')],
    ['pia team', await enter('pia')],
    ['pia team, by v2.0', ((await bodyJson(await ask(ofV2))) as Access).access.token.id],
    ['pia team, by credential', await subjectToken(await ask(byApp))],
    ['pia lab', await enter('pia', inProject('lab'))],
    ['pia blue', await enter('pia', inDomain('blue'))],
    ['pia system', await enter('pia', SYSTEM)],
    ['pol team', await enter('pol')],
    ['kim lab', await enter('kim')],
    ['eva yard', await enter('eva')],
    ['eva lab', await enter('eva', inProject('lab'))],
    ['governor blue', await enter('governor')],
  ])
  return { ...world, tokens, credentialId: id, isActive: await introspection(world) }
}

/** Introspection by a client that may ask about every token of the realm. */
async function introspection({ realm }: V3World): Promise<World['isActive']> {
  const value = oauthClientValue(realm, {
    ...GATEWAY,
    grantTypes: ['client_credentials'],
    scopes: [],
    introspect: 'any',
  })
  const put = { collection: OAUTH_CLIENTS, id: GATEWAY.clientId, value, fromVersion: 0 }
  const audit = { by: 'test', from: 'local', how: 'test.seed' }
  await realm.commit({
    realm: realm.ordinal,
    dependsOn: [],
    expects: [],
    operations: putRecord(realm, put, audit),
  })
  const oauth = createOauthDialect({
    baseOf: () => 'http://127.0.0.1:8080',
    replaySeconds: 0,
    cacheTtlSeconds: 0,
    strictHints: false,
  })
  const basic = Buffer.from(`${GATEWAY.clientId}:${GATEWAY.clientSecret}`).toString('base64')
  return async (token) => {
    const headers = { authorization: `Basic ${basic}`, 'content-type': 'application/x-www-form-urlencoded' }
    const path = '/api/id/v1/auth/token/introspect'
    const asked = wireRequest({ method: 'POST', path, headers, body: `token=${token}` })
    const answer = await oauth.handle(realm, asked)
    assert.equal(answer.status, 200, String(answer.body))
    return ((await bodyJson(answer)) as { readonly active: boolean }).active
  }
}

/** Every way of asking about a token or using it. */
async function statesOf(world: World, token: string): Promise<readonly boolean[]> {
  const { ask, enter, login, isActive } = world
  const chief = await enter('chief')
  const root = await login('root')
  const statuses = [
    (await ask(send('GET', '/v3/auth/tokens', { as: chief, about: token }))).status,
    (await ask(send('HEAD', '/v3/auth/tokens', { as: chief, about: token }))).status,
    (await ask(as(root, 'GET', `/v2.0/tokens/${token}`))).status,
    (await ask(as(root, 'HEAD', `/v2.0/tokens/${token}`))).status,
    (await ask(send('GET', '/v3/auth/projects', { as: token }))).status,
    (await ask(send('GET', '/v3/auth/tokens', { as: token, about: token }))).status,
  ]
  for (const status of statuses) assert.ok([200, 401, 404].includes(status), String(statuses))
  return [...statuses.map((status) => status === 200), await isActive(token)]
}

type Trigger = {
  readonly what: string
  readonly call: (world: World) => Parameters<typeof send>
  readonly by: readonly string[]
  /** The tokens that it ends, by prefix of their names. */
  readonly ends: readonly string[]
}

const patch = (kind: string, id: string, fields: object): Trigger['call'] => {
  const name = kind.slice(0, -1)
  return () => ['PATCH', `/v3/${kind}/${id}`, { body: { [name]: fields } }]
}
const remove =
  (path: string): Trigger['call'] =>
  () => ['DELETE', `/v3/${path}`]

const ALL_OF_BLUE = ['pia', 'pol', 'kim', 'governor', 'eva lab']
const OPERATORS = ['chief', 'sysadmin']
const GOVERNORS = [...OPERATORS, 'governor']

const TRIGGERS: readonly Trigger[] = [
  {
    what: 'a user is disabled',
    call: patch('users', 'pia', { enabled: false }),
    by: GOVERNORS,
    ends: ['pia'],
  },
  { what: 'a user is deleted', call: remove('users/pia'), by: GOVERNORS, ends: ['pia'] },
  {
    what: 'a password is set',
    call: patch('users', 'pia', { password: 'new' }),
    by: GOVERNORS,
    ends: ['pia'],
  },
  {
    what: 'a user changes its password',
    call: () => [
      'POST',
      '/v3/users/pia/password',
      { body: { user: { password: 'new', original_password: 'pw-pia' } } },
    ],
    by: ['pia'],
    ends: ['pia'],
  },
  {
    what: 'a user is renamed, described, given an address and another default project',
    call: patch('users', 'pia', {
      name: 'p',
      description: 'd',
      email: 'p@example.org',
      default_project_id: 'lab',
    }),
    by: GOVERNORS,
    ends: [],
  },
  {
    what: 'a project is disabled',
    call: patch('projects', 'team', { enabled: false }),
    by: GOVERNORS,
    ends: ['pia team', 'pol team'],
  },
  {
    what: 'a project is deleted',
    call: remove('projects/team'),
    by: GOVERNORS,
    ends: ['pia team', 'pol team'],
  },
  {
    what: 'a project is renamed',
    call: patch('projects', 'team', { name: 'crew' }),
    by: GOVERNORS,
    ends: [],
  },
  {
    what: 'a domain is disabled',
    call: patch('domains', 'blue', { enabled: false }),
    by: OPERATORS,
    ends: ALL_OF_BLUE,
  },
  { what: 'a domain is renamed', call: patch('domains', 'blue', { name: 'Navy' }), by: OPERATORS, ends: [] },
  {
    what: 'a role on a project is taken away',
    call: remove('projects/team/users/pia/roles/member'),
    by: GOVERNORS,
    ends: ['pia team'],
  },
  {
    what: 'a role on a domain is taken away',
    call: remove('domains/blue/users/pia/roles/member'),
    by: GOVERNORS,
    ends: ['pia blue'],
  },
  {
    what: 'a role on the system is taken away',
    call: remove('system/users/pia/roles/member'),
    by: OPERATORS,
    ends: ['pia system'],
  },
  {
    what: 'a role is given',
    call: () => ['PUT', '/v3/projects/team/users/pia/roles/reader'],
    by: GOVERNORS,
    ends: [],
  },
  ...ofV2(),
  {
    what: 'an application credential is deleted',
    call: ({ credentialId }) => ['DELETE', `/v3/users/pia/application_credentials/${credentialId}`],
    by: [...GOVERNORS, 'pia'],
    ends: ['pia team, by credential'],
  },
]

/** The same changes by v2.0 calls. */
function ofV2(): readonly Trigger[] {
  const user =
    (fields: object): Trigger['call'] =>
    () => ['POST', '/v2.0/users/pia', { body: { user: fields } }]
  const key = '/v2.0/users/pia/OS-KSADM/credentials/RAX-KSKEY:apiKeyCredentials/RAX-AUTH/reset'
  const tenant = { enabled: false }
  const by = ['chief']
  return [
    { what: 'v2.0 disables a user', call: user({ enabled: false }), by, ends: ['pia'] },
    { what: 'v2.0 sets a password', call: user({ 'OS-KSADM:password': 'Newpassword1' }), by, ends: ['pia'] },
    { what: 'v2.0 deletes a user', call: () => ['DELETE', '/v2.0/users/pia'], by, ends: ['pia'] },
    { what: 'v2.0 makes a new API key', call: () => ['POST', key], by, ends: [] },
    {
      what: 'v2.0 disables a tenant',
      call: () => ['POST', '/v2.0/tenants/team', { body: { tenant } }],
      by,
      ends: ['pia team', 'pol team'],
    },
    {
      what: 'v2.0 deletes a tenant',
      call: () => ['DELETE', '/v2.0/tenants/team'],
      by,
      ends: ['pia team', 'pol team'],
    },
    {
      what: 'v2.0 takes a role on a tenant away',
      call: () => ['DELETE', '/v2.0/tenants/team/users/pia/roles/OS-KSADM/member'],
      by,
      ends: ['pia team'],
    },
  ]
}

for (const { what, call, by, ends } of TRIGGERS) {
  test(`[B01] [B07] when ${what}, its tokens end everywhere, and no others; by ${by.join(', ')}`, async () => {
    for (const actor of by) {
      const world = await openWorld()
      const caller = await world.enter(actor)
      const [method, path, sending] = call(world)
      const answer = await world.ask(send(method, path, { ...sending, as: caller }))
      assert.ok([200, 201, 204].includes(answer.status), `${actor}: ${answer.status} ${String(answer.body)}`)
      for (const [name, token] of world.tokens) {
        const isOver = ends.some((start) => name.startsWith(start))
        const states = await statesOf(world, token)
        assert.deepEqual(states, Array(states.length).fill(!isOver), `${actor}: ${name}`)
      }
    }
  })
}

test('deleting a role ends the tokens that had it', async () => {
  const world = await openWorld()
  const chief = await world.enter('chief')
  const made = await world.ask(send('POST', '/v3/roles', { as: chief, body: { role: { name: 'painter' } } }))
  const { id } = ((await bodyJson(made)) as { readonly role: { readonly id: string } }).role
  await world.ask(send('PUT', `/v3/projects/yard/users/eva/roles/${id}`, { as: chief }))
  await world.ask(send('PUT', `/v3/projects/lab/users/kim/roles/${id}`, { as: chief }))
  assert.equal((await world.ask(send('DELETE', `/v3/roles/${id}`, { as: chief }))).status, 204)
  for (const [name, token] of world.tokens) {
    const isOver = name === 'eva yard' || name === 'kim lab'
    assert.equal(await world.isActive(token), !isOver, name)
  }
})

test('deleting a domain deletes everything in it', async () => {
  const world = await openWorld()
  const { ask } = world
  const chief = await world.enter('chief')
  assert.equal((await ask(send('DELETE', '/v3/domains/blue', { as: chief }))).status, 403)
  await ask(send('PATCH', '/v3/domains/blue', { as: chief, body: { domain: { enabled: false } } }))
  assert.equal((await ask(send('DELETE', '/v3/domains/blue', { as: chief }))).status, 204)
  for (const path of ['domains/blue', 'users/pia', 'projects/team', 'projects/lab'])
    assert.equal((await ask(send('GET', `/v3/${path}`, { as: chief }))).status, 404, path)
  for (const [name, token] of world.tokens)
    assert.equal(await world.isActive(token), name === 'eva yard', name)
})

test('ended tokens stay dead when the change is undone', async () => {
  for (const [kind, id] of [
    ['users', 'pia'],
    ['projects', 'team'],
    ['domains', 'blue'],
  ] as const) {
    const world = await openWorld()
    const chief = await world.enter('chief')
    for (const enabled of [false, true])
      await world.ask(
        send('PATCH', `/v3/${kind}/${id}`, { as: chief, body: { [kind.slice(0, -1)]: { enabled } } }),
      )
    assert.equal(await world.isActive(world.tokens.get('pia team') ?? ''), false, kind)
    assert.equal((await world.ask(byPassword('pia', inProject('team')))).status, 201, kind)
  }
})
