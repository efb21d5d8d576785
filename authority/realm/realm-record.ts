import { type RealmName, type RealmOrdinal, realmOrdinal, SYSTEM_REALM } from '@rescind/core'
import type { Collection, Entry } from '../directory/directory.ts'
import { readObject } from '../directory/stored-json.ts'
import type { DirectoryRecord, Store } from '../ports.ts'

/** The record of each realm in the system realm; `system` has one, too. */
export type RealmValue = {
  readonly ordinal: number
  readonly wrappedKeys: string
  readonly nextOrdinal?: number
  readonly createdAtMs?: number
  /** Absent: the realm is served. A deleted realm is never served again, and its name is never reused. */
  readonly state?: 'disabled' | 'deleted'
}

/** A realm that is not open: its log holds at most the row of its first epoch. */
export type Dormant = { readonly name: RealmName; readonly ordinal: RealmOrdinal; readonly isClosed: boolean }

/** A realm as operators see it. */
export type RealmView = { readonly name: RealmName; readonly enabled: boolean; readonly createdAtMs?: number }

export const REALMS: Collection<RealmValue> = { name: 'realms', keys: () => [] }
/** Maximum realms of one store: a position of the embedded store's log has room for this many. */
export const REALMS_MAX = 8_000

export const SYSTEM_ORDINAL: RealmOrdinal = realmOrdinal(0)

/** Every realm's record, as stored. @throws StoreUnavailable. */
export async function* realmRecords(store: Store): AsyncGenerator<DirectoryRecord, void> {
  let after: string | undefined
  do {
    const page = await store.records(SYSTEM_ORDINAL, { collection: REALMS.name, after, limit: 1_000 })
    yield* page.records
    after = page.next
  } while (after !== undefined)
}

const STATES: readonly unknown[] = [undefined, 'disabled', 'deleted']

/** @returns undefined for what no version up to this one has written: a realm in an unknown state is not served. */
export function readRealmValue(body: string): RealmValue | undefined {
  const value = readObject(body)
  if (value === undefined) return undefined
  const { ordinal, wrappedKeys, nextOrdinal, createdAtMs, state } = value
  const isCount = (one: unknown): boolean =>
    Number.isInteger(one) && Number(one) >= 0 && Number(one) <= REALMS_MAX + 1
  if (!isCount(ordinal) || typeof wrappedKeys !== 'string' || !STATES.includes(state)) return undefined
  if (nextOrdinal !== undefined && !isCount(nextOrdinal)) return undefined
  return createdAtMs === undefined || typeof createdAtMs === 'number' ? (value as RealmValue) : undefined
}

export function viewOf({ id, value }: Entry<RealmValue>): RealmView | undefined {
  if (id === SYSTEM_REALM || value.state === 'deleted') return undefined
  const { createdAtMs, state } = value
  const view = { name: id as RealmName, enabled: state === undefined }
  return createdAtMs === undefined ? view : { ...view, createdAtMs }
}
