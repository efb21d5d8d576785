import assert from 'node:assert/strict'
import { callerFacts, deleteRecord, type Store } from '@rescind/authority'
import { bodyJson } from '../../../../test/kit/request.ts'
import { onBothStores } from '../../../../test/kit/stores.ts'
import {
  accessOf,
  changeUser,
  passwordLogin,
  post,
  send as sendV2,
} from '../../../../test/kit/world-identity.ts'
import {
  byPassword,
  byToken,
  inDomain,
  inProject,
  logIn,
  openV3,
  SYSTEM,
  send,
  subjectToken,
  type TokenBody,
  tokenIn,
  type V3World,
} from '../../../../test/kit/world-identity-v3.ts'
import { created } from '../../directory/changes.ts'
import { IDENTITY_ACCOUNTS } from '../../directory/domains.ts'
import { IDENTITY_TENANTS } from '../../directory/tenants.ts'
import { accountOf, IDENTITY_USERS, type IdentityUser } from '../../directory/users.ts'
import { writeDirectory } from '../../directory/write.ts'

/** The scope of a login that names none. */
async function placeOf(world: V3World, token: string): Promise<string> {
  return place(await tokenIn(await world.ask(byToken(token))))
}

function place({ project, domain, system }: TokenBody): string {
  return project?.id ?? (domain === undefined ? (system === undefined ? 'nothing' : 'system') : 'domain')
}

// A login without a scope, whatever it builds on, is for the user's own project or unscoped.
onBothStores(
  "[W25] the token method without a scope gives the user's own project for a token of any scope",
  async (store) => {
    const world = await openV3({ store })
    await changeUser(world.realm, 'pia', {
      grants: [
        ...['team', 'lab'].map((tenantId) => ({ roleId: 'member', tenantId })),
        { roleId: 'reader', domainId: 'blue' },
        { roleId: 'reader', system: true },
      ],
    })
    for (const scope of [inProject('team'), inProject('lab'), inDomain('blue'), SYSTEM, 'unscoped'] as const)
      assert.equal(await placeOf(world, await world.enter('pia', scope)), 'team', JSON.stringify(scope))
    const v2 = await accessOf(await world.ask(passwordLoginOf('pia')))
    assert.equal(await placeOf(world, v2.token.id), 'team')
  },
)

onBothStores('[W25] a user without a usable own project gets an unscoped token', async (store) => {
  const world = await openV3({ store })
  assert.equal(await placeOf(world, await world.enter('kim', inProject('lab'))), 'nothing')
  await changeUser(world.realm, 'kim', { tenantId: 'yard' })
  assert.equal(await placeOf(world, await world.enter('kim', inProject('lab'))), 'nothing')
  const twice = await subjectToken(await world.ask(byToken(await world.enter('kim', inProject('lab')))))
  assert.equal(await placeOf(world, twice), 'nothing')
})

onBothStores('[W25] what an application credential made stays in its project', async (store) => {
  const world = await openV3({ store })
  await changeUser(world.realm, 'pia', {
    grants: ['team', 'lab'].map((tenantId) => ({ roleId: 'member', tenantId })),
  })
  const as = await world.enter('pia', inProject('lab'))
  const asked = { as, body: { application_credential: { name: 'ci' } } }
  const made = await world.ask(send('POST', '/v3/users/pia/application_credentials', asked))
  const { application_credential } = (await bodyJson(made)) as {
    application_credential: { id: string; secret: string }
  }
  const { id, secret } = application_credential
  const answer = await world.ask(
    logIn({ methods: ['application_credential'], application_credential: { id, secret } }),
  )
  assert.equal(place(await tokenIn(answer)), 'lab')
})

function passwordLoginOf(name: string): ReturnType<typeof post> {
  return post({ auth: { passwordCredentials: { userId: name, password: `pw-${name}` } } })
}

async function userAt({ realm }: V3World, id: string): Promise<IdentityUser> {
  return (await realm.directory.get(IDENTITY_USERS, id))?.value ?? assert.fail()
}

/** Deletes the record only, as before a deletion also cleared the references to the tenant. */
async function loseOnly({ realm }: V3World, id: string): Promise<void> {
  const { version } = await realm.directory.state(IDENTITY_TENANTS, id)
  const deletion = { collection: IDENTITY_TENANTS.name, id, fromVersion: version }
  const operations = deleteRecord(realm, deletion, { by: 'test', from: 'local', how: 'test' })
  await realm.commit({ realm: realm.ordinal, dependsOn: [], expects: [], operations })
}

// Every way of deleting a tenant. No user may keep it as their own.
const DELETIONS: Readonly<Record<string, (world: V3World) => Promise<void>>> = {
  'by v3': async (world) => {
    const as = await world.enter('sysadmin')
    assert.equal((await world.ask(send('DELETE', '/v3/projects/team', { as }))).status, 204)
  },
  'by v2.0': async (world) => {
    const root = await world.login('root')
    assert.equal((await world.ask(sendV2(root, 'DELETE', '/v2.0/tenants/team'))).status, 204)
  },
  'with its domain': async (world) => {
    const as = await world.enter('sysadmin')
    await changeUser(world.realm, 'pia', { domainId: 'default' })
    const disabled = { as, body: { domain: { enabled: false } } }
    assert.equal((await world.ask(send('PATCH', '/v3/domains/blue', disabled))).status, 200)
    assert.equal((await world.ask(send('DELETE', '/v3/domains/blue', { as }))).status, 204)
  },
}

for (const [how, remove] of Object.entries(DELETIONS)) {
  onBothStores(
    `[W26] a project that is deleted ${how} is no user's own any more, and the account stays`,
    async (store) => {
      const world = await openV3({ store })
      await remove(world)
      const user = await userAt(world, 'pia')
      assert.deepEqual([user.tenantId, accountOf(user), user.grants], [undefined, 'team', []])
      await showsNone(world)
    },
  )
}

onBothStores(
  '[W26] a record that still names a deleted project shows none, and logs in without a scope',
  async (store) => {
    const world = await openV3({ store })
    await loseOnly(world, 'team')
    assert.equal((await userAt(world, 'pia')).tenantId, 'team')
    await showsNone(world)
  },
)

async function showsNone(world: V3World): Promise<void> {
  const access = await accessOf(await world.ask(passwordLoginOf('pia')))
  assert.equal(access.token.tenant, undefined)
  const v3 = await world.ask(byPassword('pia'))
  assert.equal(place(await tokenIn(v3)), 'nothing')
  const as = await subjectToken(v3)
  const shown = async (path: string, token: string) =>
    JSON.stringify(await bodyJson(await world.ask(send('GET', path, { as: token }))))
  const admin = await world.enter('sysadmin')
  assert.doesNotMatch(await shown('/v3/users/pia', as), /default_project_id/)
  assert.doesNotMatch(await shown('/v3/users', admin), /"name":"pia-name"[^}]*default_project_id/)
  assert.match(await shown('/v2.0/users/pia', as), /"RAX-AUTH:domainId":"team"/)
  assert.doesNotMatch(await shown('/v2.0/users/pia', as), /tenantId/)
  assert.equal(await shown('/v2.0/tenants', as), '{"tenants":[],"tenants_links":[]}')
  assert.match(await shown('/v3/auth/projects', as), /"projects":\[\]/)
  for (const scope of [{ tenantId: 'team' }, { tenantName: 'team' }])
    assert.equal(
      (
        await world.ask(
          post({ auth: { passwordCredentials: { userId: 'pia', password: 'pw-pia' }, ...scope } }),
        )
      ).status,
      401,
    )
}

onBothStores(
  '[W26] a project created again under the same id is not the own project of former users',
  async (store) => {
    const world = await openV3({ store })
    await loseOnly(world, 'team')
    const root = await world.login('root')
    const body = { tenant: { id: 'team', name: 'team-again' } }
    assert.equal((await world.ask(sendV2(root, 'POST', '/v2.0/tenants', body))).status, 200)
    assert.equal((await userAt(world, 'pia')).tenantId, undefined)
    const login = { auth: { passwordCredentials: { userId: 'pia', password: 'pw-pia' }, tenantId: 'team' } }
    assert.equal((await world.ask(post(login))).status, 401)
  },
)

onBothStores(
  '[W26] a second factor that the account requires is still required after its tenant was removed or deleted',
  async (store: Store) => {
    const world = await openV3({ store })
    const { realm } = world
    const account = { id: 'team', mfaEnforcement: 'REQUIRED' } as const
    const facts = callerFacts({ source: 'control', client: 'ops' }, realm.position())
    const caller = { id: 'control:ops', from: 'local', dependency: { realm: realm.ordinal, facts } }
    await writeDirectory(realm, [created('account', account.id, { after: account })], { caller, how: 'test' })
    assert.equal((await realm.directory.get(IDENTITY_ACCOUNTS, 'team'))?.value.mfaEnforcement, 'REQUIRED')
    assert.equal((await world.ask(passwordLoginOf('pia'))).status, 403)
    const cleared = { as: await world.enter('sysadmin'), body: { user: { default_project_id: null } } }
    assert.equal((await world.ask(send('PATCH', '/v3/users/pia', cleared))).status, 200)
    assert.equal((await userAt(world, 'pia')).tenantId, undefined)
    assert.equal((await world.ask(passwordLoginOf('pia'))).status, 403)
    await changeUser(realm, 'pia', { tenantId: 'team' })
    await DELETIONS['by v2.0']?.(world)
    assert.equal((await world.ask(passwordLoginOf('pia'))).status, 403)
    assert.equal((await world.ask(byPassword('pia'))).status, 403)
  },
)

onBothStores(
  '[W26] a disabled project stays the own project: once enabled again, a login is for it',
  async (store) => {
    const world = await openV3({ store })
    const as = await world.enter('sysadmin')
    const set = async (enabled: boolean): Promise<void> => {
      const asked = { as, body: { project: { enabled } } }
      assert.equal((await world.ask(send('PATCH', '/v3/projects/team', asked))).status, 200)
    }
    await set(false)
    assert.equal((await world.ask(passwordLoginOf('pia'))).status, 401)
    await set(true)
    const access = await accessOf(await world.ask(passwordLoginOf('pia')))
    assert.equal(access.token.tenant?.id, 'team')
    assert.equal((await world.ask(passwordLogin('ann'))).status, 200)
  },
)
