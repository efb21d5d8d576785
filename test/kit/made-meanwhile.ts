import assert from 'node:assert/strict'
import { type Realm, ruleOn, type Store } from '@rescind/authority'
import type { CutoffTarget } from '@rescind/core/log'
import { longLivedCredentials } from '@rescind/dialects'
import { created, updated } from '../../dialects/identity/directory/changes.ts'
import { IDENTITY_USERS, identityUserValue, withApiKey } from '../../dialects/identity/directory/users.ts'
import { writeDirectory } from '../../dialects/identity/directory/write.ts'
import { writeRules } from '../../server/rules/write.ts'
import { callerAt } from './acts.ts'
import { putUser } from './world-identity.ts'
import { wrappedStore } from './wrapped-store.ts'

/** A store on which something else is written right after a read. */
export class BusyStore {
  readonly store: Store
  #after: { readonly name: string; readonly act: () => Promise<void> } | undefined

  constructor(store: Store) {
    this.store = wrappedStore(store, (name, call) => {
      const after = this.#after
      if (after?.name !== name) return call()
      this.#after = undefined
      return readThen(call, after.act)
    })
  }

  afterNext(name: 'record' | 'recordsListed', act: () => Promise<void>): void {
    this.#after = { name, act }
  }
}

async function readThen(call: () => unknown, act: () => Promise<void>): Promise<unknown> {
  const read = await call()
  await act()
  return read
}

const ANN = { source: 'identity', subject: 'ann' }
const TARGET: CutoffTarget = { kind: 'cut', shape: 'subject', principals: ANN }

/** Ends what ann has while each of two credentials is made, by `other`, after hers were listed. */
export async function endWhileMade(busy: BusyStore, realm: Realm, other: Realm): Promise<void> {
  await putUser(realm, identityUserValue(realm, { id: 'ann', username: 'ann', roles: [], enabled: true }))
  busy.afterNext('recordsListed', () => makeAppCredential(other))
  assert.deepEqual(await revoked(realm), ['stale', 'written'])
  busy.afterNext('record', () => makeApiKey(other))
  assert.deepEqual(await revoked(realm), ['stale', 'written'])
}

/** Until it is written. @returns what became of each attempt. */
async function revoked(realm: Realm): Promise<readonly string[]> {
  const attempts: string[] = []
  while (attempts.at(-1) !== 'written') {
    const caller = callerAt(realm, realm.position())
    const written = await writeRules(realm, {
      ...{ caller, rules: [ruleOn(realm, TARGET)], how: 'test', reason: 'r' },
    })
    attempts.push(written === 'stale' ? 'stale' : 'written')
  }
  assert.deepEqual(await longLivedCredentials(realm, 'ann'), [])
  return attempts
}

async function makeAppCredential(realm: Realm): Promise<void> {
  const made = { id: 'ac', userId: 'ann', tenantId: 't', name: 'ac', secretDigest: 'x', roleIds: [] }
  const change = created('appCredential', 'ac', { after: { ...made, isUnrestricted: false } })
  const act = { caller: callerAt(realm, realm.position()), how: 'test' }
  assert.equal((await writeDirectory(realm, [change], act)).kind, 'written')
}

async function makeApiKey(realm: Realm): Promise<void> {
  const { entry } = await realm.directory.state(IDENTITY_USERS, 'ann')
  assert.ok(entry)
  const change = updated('user', entry, withApiKey(realm, entry.value, 'key'))
  const act = { caller: callerAt(realm, realm.position()), how: 'test' }
  assert.equal((await writeDirectory(realm, [change], act)).kind, 'written')
}
