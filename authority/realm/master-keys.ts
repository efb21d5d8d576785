import { type Random, type RealmName, SYSTEM_REALM } from '@rescind/core'
import { putRecord } from '../directory/change.ts'
import type { Operation } from '../log/writes.ts'
import type { Store } from '../ports.ts'
import type { Audit, Caller, Realm } from './realm.ts'
import { type MasterKey, opensKeys, unwrapRealmKeys, wrapRealmKeys } from './realm-keys.ts'
import { REALMS, type RealmValue, readRealmValue, SYSTEM_ORDINAL } from './realm-record.ts'

export type RealmsAct = { readonly caller: Caller; readonly audit: Audit }

export type Rewrapping = RealmsAct & { readonly master: MasterKey; readonly random: Random }

/** The key that wraps the keys of all realms. */
export class MasterKeys {
  readonly #store: Store
  #current: MasterKey
  /** The new key while a change is under way, here or on another node. */
  #coming: MasterKey | undefined

  constructor(store: Store, current: MasterKey) {
    this.#store = store
    this.#current = current
  }

  get current(): MasterKey {
    return this.#current
  }

  /** The key that wrapped these keys: during a change, the store may already have the new one. */
  of(name: RealmName, { wrappedKeys }: RealmValue): MasterKey {
    const coming = this.#coming
    return coming !== undefined && opensKeys(wrappedKeys, name, coming) ? coming : this.#current
  }

  /** Any node of the store may change to this key from now on. Settle first: an earlier one is forgotten. */
  expect(coming: MasterKey): void {
    this.#coming = coming
  }

  /**
   * After another node's change, or an own one with an unknown outcome, finds out which key opens the store.
   * @throws StoreUnavailable.
   */
  async settle(): Promise<void> {
    const coming = this.#coming
    if (coming === undefined || !(await isMaster(this.#store, coming))) return
    this.#current = coming
    if (this.#coming === coming) this.#coming = undefined
  }

  /** Whether another node has changed the master key to one that this node lacks. @throws StoreUnavailable. */
  async isReplaced(): Promise<boolean> {
    if (!this.#store.isShared) return false
    const value = await systemValue(this.#store)
    return value !== undefined && !opensKeys(value.wrappedKeys, SYSTEM_REALM, this.of(SYSTEM_REALM, value))
  }

  /**
   * Wraps every realm's keys with another master key, in one write: a store opens with one master key or with the other, never
   * in part with each. @returns `stale` when a realm or the caller's right changed meanwhile.
   */
  async rewrap(system: Realm, { master, random, caller, audit }: Rewrapping): Promise<'done' | 'stale'> {
    const before = this.#current
    this.#coming = master
    const operations: Operation[] = []
    for await (const { id, version, value } of system.directory.all(REALMS)) {
      const realm = id as RealmName
      // Another node may have changed to the same key since the last page was read; then this is stale, or changes nothing.
      const opening = opensKeys(value.wrappedKeys, realm, master) ? master : before
      const keys = unwrapRealmKeys(value.wrappedKeys, realm, opening)
      const rewrapped = { ...value, wrappedKeys: wrapRealmKeys(keys, { realm, master, random }) }
      const put = { collection: REALMS, id, value: rewrapped, fromVersion: version }
      operations.push(...putRecord(system, put, audit))
    }
    const dependsOn = [caller.dependency]
    const outcome = await system.commit({ realm: SYSTEM_ORDINAL, dependsOn, expects: [], operations })
    // Another node may have changed to the same key.
    if (outcome.kind !== 'applied') return 'stale'
    this.#coming = undefined
    this.#current = master
    return 'done'
  }
}

/** Whether this key is the store's current master key. @throws StoreUnavailable. */
export async function isMaster(store: Store, master: MasterKey): Promise<boolean> {
  const value = await systemValue(store)
  return value !== undefined && opensKeys(value.wrappedKeys, SYSTEM_REALM, master)
}

async function systemValue(store: Store): Promise<RealmValue | undefined> {
  const record = await store.record(SYSTEM_ORDINAL, REALMS.name, SYSTEM_REALM)
  return record?.body === undefined ? undefined : readRealmValue(record.body)
}
