import assert from 'node:assert/strict'
import { type Realm, ruleOn, type Store } from '@rescind/authority'
import { Overloaded } from '@rescind/core'
import { type CutoffTarget, rowKindOf } from '@rescind/core/log'
import { longLivedCredentials } from '@rescind/dialects'
import { created, updated } from '../../dialects/identity/directory/changes.ts'
import { IDENTITY_USERS, identityUserValue, withApiKey } from '../../dialects/identity/directory/users.ts'
import { writeDirectory } from '../../dialects/identity/directory/write.ts'
import { writeRules } from '../../server/rules/write.ts'
import { callerAt } from './acts.ts'
import { putUser } from './world-identity.ts'
import { wrappedStore } from './wrapped-store.ts'

type After = { readonly name: string; times: number; readonly act: () => Promise<void> }

/** A store on which something else is written right after reads. */
export class BusyStore {
  readonly store: Store
  #after: After | undefined

  constructor(store: Store) {
    this.store = wrappedStore(store, (name, call) => {
      const after = this.#after
      if (after?.name !== name || after.times === 0) return call()
      after.times -= 1
      return this.#readThen(call, after)
    })
  }

  afterNext(name: 'record' | 'recordsListed', act: () => Promise<void>, times = 1): void {
    this.#after = { name, times, act }
  }

  async #readThen(call: () => unknown, after: After): Promise<unknown> {
    const read = await call()
    // What is written reads, too.
    this.#after = undefined
    await after.act()
    this.#after = after
    return read
  }
}

const ANN = { source: 'identity', subject: 'ann' }
const TARGET: CutoffTarget = { kind: 'cut', shape: 'subject', principals: ANN }

/** Ends what ann has while credentials are made, by `other`, after hers were listed. */
export async function endWhileMade(busy: BusyStore, realm: Realm, other: Realm): Promise<void> {
  await putUser(realm, identityUserValue(realm, { id: 'ann', username: 'ann', roles: [], enabled: true }))
  let made = 0
  const makeNext = (): Promise<void> => {
    made += 1
    return makeAppCredential(other, `ac${made}`)
  }
  busy.afterNext('recordsListed', makeNext)
  await revoke(realm)
  assert.deepEqual([made, await longLivedCredentials(realm, 'ann')], [1, []])
  busy.afterNext('record', () => makeApiKey(other))
  await revoke(realm)
  assert.deepEqual(await longLivedCredentials(realm, 'ann'), [])
  busy.afterNext('recordsListed', makeNext, 4)
  await revoke(realm)
  assert.deepEqual([made, await longLivedCredentials(realm, 'ann')], [5, []])
  const makeFirst = (): Promise<void> => {
    made += 1
    return makeAppCredential(other, `ac${made}`, made === 6 ? 'ann' : 'eve')
  }
  // Without an end, but of somebody else.
  busy.afterNext('recordsListed', makeFirst, Number.POSITIVE_INFINITY)
  await revoke(realm)
  busy.afterNext('recordsListed', makeNext, 0)
  assert.deepEqual(await longLivedCredentials(realm, 'ann'), [])
  const { seq } = realm.index
  busy.afterNext('recordsListed', makeNext, Number.POSITIVE_INFINITY)
  await assert.rejects(revoke(realm), Overloaded)
  busy.afterNext('recordsListed', makeNext, 0)
  const rows = await realm.store.rowsAfter(realm.ordinal, seq, 1_000)
  assert.ok(
    rows.some((row) => rowKindOf(row) === 'revoke'),
    'the rule is in force all the same',
  )
}

async function revoke(realm: Realm): Promise<void> {
  const caller = callerAt(realm, realm.position())
  const rule = { caller, rules: [ruleOn(realm, TARGET)], how: 'test', reason: 'r' }
  assert.notEqual(await writeRules(realm, rule), 'stale')
}

async function makeAppCredential(realm: Realm, id: string, userId = 'ann'): Promise<void> {
  const made = { id, userId, tenantId: 't', name: id, secretDigest: 'x', roleIds: [] }
  const change = created('appCredential', id, { after: { ...made, isUnrestricted: false } })
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
