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
  /** The new key while a change is under way. */
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

  /** After a change with an unknown outcome, finds out which key opens the store. @throws StoreUnavailable. */
  async settle(): Promise<void> {
    if (this.#coming === undefined) return
    if (await isMaster(this.#store, this.#coming)) this.#current = this.#coming
    this.#coming = undefined
  }

  /**
   * Wraps every realm's keys with another master key, in one write: a store opens with one master key or with the other, never
   * in part with each. @returns `stale` when a realm or the caller's right changed meanwhile.
   */
  async rewrap(system: Realm, { master, random, caller, audit }: Rewrapping): Promise<'done' | 'stale'> {
    this.#coming = master
    const operations: Operation[] = []
    for await (const { id, version, value } of system.directory.all(REALMS)) {
      const realm = id as RealmName
      const keys = unwrapRealmKeys(value.wrappedKeys, realm, this.#current)
      const rewrapped = { ...value, wrappedKeys: wrapRealmKeys(keys, { realm, master, random }) }
      const put = { collection: REALMS, id, value: rewrapped, fromVersion: version }
      operations.push(...putRecord(system, put, audit))
    }
    const dependsOn = [caller.dependency]
    const outcome = await system.commit({ realm: SYSTEM_ORDINAL, dependsOn, expects: [], operations })
    this.#coming = undefined
    if (outcome.kind !== 'applied') return 'stale'
    this.#current = master
    return 'done'
  }
}

/** Whether this key is the store's current master key. @throws StoreUnavailable. */
export async function isMaster(store: Store, master: MasterKey): Promise<boolean> {
  const record = await store.record(SYSTEM_ORDINAL, REALMS.name, SYSTEM_REALM)
  const value = record?.body === undefined ? undefined : readRealmValue(record.body)
  return value !== undefined && opensKeys(value.wrappedKeys, SYSTEM_REALM, master)
}
