import assert from 'node:assert/strict'
import { test } from 'node:test'
import { callerFacts, type Realm } from '@rescind/authority'
import { Overloaded } from '@rescind/core'
import { openWorld } from '../../../test/kit/realm.ts'
import { CASCADE_MAX } from './cascade.ts'
import { type Change, COLLECTIONS, created, deleted } from './changes.ts'
import { demandsMfa, domainAt, domainByName } from './domains.ts'
import { GRANTS_MAX, isMemberOf, rolesOn, tenantsOf } from './grants.ts'
import { isProjectId } from './names.ts'
import { BUILT_IN_ROLES, isBuiltInRole, roleById } from './roles.ts'
import { domainOfTenant, tenantAt, tenantEntry, tenantEntryByName } from './tenants.ts'
import { identityUserValue, unsealApiKey, userEntry, userEntryByName, withoutApiKey } from './users.ts'
import { type DirectoryWritten, WRITES_WAITING_MAX, writeDirectory } from './write.ts'

function write(realm: Realm, ...changes: Change[]): Promise<DirectoryWritten> {
  const dependency = { realm: realm.ordinal, facts: callerFacts({ source: 'control' }, realm.position()) }
  return writeDirectory(realm, changes, { caller: { id: 'c', from: 'local', dependency }, how: 'test' })
}

const tenant = (id: string, name: string, domainId: string) => {
  return created('tenant', id, { after: { id, name, domainId, enabled: true } })
}

test('a domain that was never recorded exists under its id; a deleted one is disabled', async () => {
  const { realm } = await openWorld()
  assert.deepEqual(await domainAt(realm, 'default'), {
    domain: { id: 'default', name: 'Default', enabled: true },
    version: 0,
  })
  assert.equal((await domainByName(realm, 'Default'))?.id, 'default')
  assert.equal(await domainByName(realm, 'nowhere'), undefined)
  await write(realm, created('domain', 'default', { after: { id: 'default', name: 'Home', enabled: true } }))
  assert.equal(await domainByName(realm, 'Default'), undefined)
  const entry = (await realm.directory.get(COLLECTIONS.domain, 'default')) ?? assert.fail()
  await write(realm, deleted('domain', entry))
  assert.equal((await domainAt(realm, 'default')).domain.enabled, false)
})

test('project names are unique in a domain, and two domains may use the same name', async () => {
  const { realm } = await openWorld()
  assert.equal((await write(realm, tenant('a', 'web', 'd1'), tenant('b', 'web', 'd2'))).kind, 'written')
  assert.equal((await write(realm, tenant('c', 'web', 'd2'))).kind, 'name-taken')
  assert.equal((await tenantEntryByName(realm, 'd2', 'web'))?.id, 'b')
  assert.equal(await tenantEntry(realm, 'c'), undefined)
  const { tenant: found, version } = await tenantAt(realm, 'a')
  assert.deepEqual([domainOfTenant(found), version], ['d1', 1])
})

test('ids in the form of a domain or system scope are not project ids', () => {
  assert.deepEqual(['p', 'domain', 'domain:d', 'system:all'].map(isProjectId), [true, true, false, false])
})

test('built-in and recorded roles are found by id', async () => {
  const { realm } = await openWorld()
  for (const role of BUILT_IN_ROLES) assert.deepEqual(await roleById(realm, role.id), role)
  const after = { id: 'r', name: 'auditor', description: 'Reads.' }
  await write(realm, created('role', 'r', { after }))
  assert.deepEqual(await roleById(realm, 'r'), after)
  assert.deepEqual([isBuiltInRole('r'), isBuiltInRole('1')], [false, true])
  assert.equal(await roleById(realm, 'nothing'), undefined)
})

test('a user may scope to its default project and to those it has a role on', async () => {
  const { realm } = await openWorld()
  const grants = [{ roleId: 'r', tenantId: 'b' }, { roleId: 'r', tenantId: 'a' }, { roleId: '2' }]
  const user = identityUserValue(realm, {
    ...{ id: 'u', username: 'u', roles: [], grants, enabled: true },
    tenantId: 'a',
    apiKey: 'key',
  })
  assert.deepEqual(tenantsOf(user), ['a', 'b'])
  assert.deepEqual([isMemberOf(user, 'a'), isMemberOf(user, 'b'), isMemberOf(user, 'c')], [true, true, false])
  assert.deepEqual(rolesOn(user, { tenantId: 'b' }), ['r'])
  assert.ok(grants.length < GRANTS_MAX)
  await write(realm, created('user', 'u', { after: withoutApiKey(user) }))
  const entry = (await userEntry(realm, 'u')) ?? assert.fail()
  assert.deepEqual(await userEntryByName(realm, 'u'), entry)
  assert.equal(unsealApiKey(realm, entry.value), undefined)
})

test('the user’s own MFA setting takes precedence over the account’s, unless that is mandated', () => {
  const table = (['DEFAULT', 'OPTIONAL', 'REQUIRED'] as const).map((own) =>
    (['OPTIONAL', 'REQUIRED', 'RACKSPACE_MANDATED'] as const).map((account) => demandsMfa(own, account)),
  )
  assert.deepEqual(table, [
    [false, true, true],
    [false, false, true],
    [true, true, true],
  ])
})

test('a write of CASCADE_MAX records is written, one more is refused and writes nothing', async () => {
  const { realm } = await openWorld()
  const many = (prefix: string, count: number): Change[] =>
    Array.from({ length: count }, (_, at) => tenant(`${prefix}${at}`, `${prefix}${at}`, 'd'))
  assert.deepEqual(await write(realm, ...many('a', CASCADE_MAX + 1)), { kind: 'too-many' })
  assert.equal(await tenantEntry(realm, 'a0'), undefined)
  assert.deepEqual(await write(realm, ...many('b', CASCADE_MAX)), { kind: 'written' })
})

test('changes wait up to the bound, and one more is an outage', async () => {
  const { realm } = await openWorld()
  const waiting = Array.from({ length: WRITES_WAITING_MAX }, (_, at) =>
    write(realm, tenant(`t${at}`, `t${at}`, 'd')),
  )
  await assert.rejects(write(realm, tenant('late', 'late', 'd')), Overloaded)
  assert.deepEqual(new Set((await Promise.all(waiting)).map(({ kind }) => kind)), new Set(['written']))
  assert.equal((await write(realm, tenant('late', 'late', 'd'))).kind, 'written')
})
