import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Outcome, putRecord, type Realm, type Write } from '@rescind/authority'
import { deleted, updated } from '../../dialects/identity/directory/changes.ts'
import { IDENTITY_TENANTS } from '../../dialects/identity/directory/tenants.ts'
import { IDENTITY_USERS } from '../../dialects/identity/directory/users.ts'
import { writeDirectory } from '../../dialects/identity/directory/write.ts'
import { AUDIT, callerAt } from '../../test/kit/acts.ts'
import { BusyStore, endWhileMade } from '../../test/kit/made-meanwhile.ts'
import { caughtUp, sharedNodes } from '../../test/kit/shared-nodes.ts'
import { putTenant, putUser } from '../../test/kit/world-identity.ts'

const { open, openOn, openStore } = sharedNodes()
const MEMBERS = { name: 'members', keys: () => [] }

function member(realm: Realm, id: string, reads?: Write['reads']): Promise<Outcome> {
  const operations = putRecord(realm, { collection: MEMBERS, id, value: {}, fromVersion: 0 }, AUDIT)
  const write = { realm: realm.ordinal, dependsOn: [], expects: [], operations }
  return realm.commit(reads === undefined ? write : { ...write, reads })
}

test('a write is stale once another node has changed what it was decided by, folded or not', async () => {
  const [a, b] = [await open('a'), await open('b')]
  const before = { collections: ['members'], afterSeq: a.realm.index.seq }
  assert.equal((await member(b.realm, 'one')).kind, 'applied')
  // Whether the row has come or not.
  assert.equal((await member(a.realm, 'two', before)).kind, 'stale')
  await caughtUp(a, b)
  assert.equal((await member(a.realm, 'two', before)).kind, 'stale')
  const others = { collections: ['strangers'], afterSeq: before.afterSeq }
  assert.equal((await member(a.realm, 'two', others)).kind, 'applied')
  const now = { collections: ['members'], afterSeq: a.realm.index.seq }
  const both = await Promise.all([member(a.realm, 'three', now), member(a.realm, 'four', now)])
  assert.deepEqual(
    both.map(({ kind }) => kind),
    ['applied', 'stale'],
    'the same holds within a group',
  )
})

test('nobody is left on a project that another node deletes meanwhile', async () => {
  const [a, b] = [await open('a'), await open('b')]
  const how = 'test'
  for (let round = 0; round < 6; round += 1) {
    const id = `t${round}`
    await putTenant(a.realm, { id, name: id, enabled: true })
    await putUser(a.realm, {
      id: `u${round}`,
      username: `u${round}`,
      domainId: 'default',
      grants: [],
      enabled: true,
    })
    await caughtUp(b, a)
    const deleting = async (): Promise<void> => {
      for (let kind = 'stale'; kind === 'stale'; ) {
        const { entry } = await a.realm.directory.state(IDENTITY_TENANTS, id)
        assert.ok(entry !== undefined)
        const act = { caller: callerAt(a.realm, a.realm.position()), how }
        kind = (await writeDirectory(a.realm, [deleted('tenant', entry)], act)).kind
      }
    }
    const joining = async (): Promise<void> => {
      for (let kind = 'stale'; kind === 'stale'; ) {
        const { entry } = await b.realm.directory.state(IDENTITY_USERS, `u${round}`)
        const tenant = await b.realm.directory.state(IDENTITY_TENANTS, id)
        if (entry === undefined || tenant.entry === undefined) return
        const expects = [{ collection: IDENTITY_TENANTS.name, id, version: tenant.version }]
        const act = { caller: callerAt(b.realm, b.realm.position()), how, expects }
        kind = (
          await writeDirectory(b.realm, [updated('user', entry, { ...entry.value, tenantId: id })], act)
        ).kind
      }
    }
    await Promise.all([deleting(), joining()])
    const { entry } = await a.realm.directory.state(IDENTITY_USERS, `u${round}`)
    assert.equal(entry?.value.tenantId, undefined)
  }
})

test('a credential that another node makes while a rule lists the others ends with them', async () => {
  const busy = new BusyStore(await openStore())
  const [a, b] = [await openOn(busy.store, 'a'), await open('b')]
  await endWhileMade(busy, a.realm, b.realm)
})
