import type { Operation } from '../log/writes.ts'
import type { Audit, Realm } from '../realm/realm.ts'
import type { Collection } from './directory.ts'

export type Put<T> = {
  readonly collection: Collection<T>
  readonly id: string
  readonly value: T
  /** The version that it replaces; 0 if there never was one. */
  readonly fromVersion: number
}

/** Operations that write a directory record and the log row of its change. */
export function putRecord<T>(realm: Realm, put: Put<T>, audit: Audit): readonly Operation[] {
  const { collection, id, value, fromVersion } = put
  const record = {
    collection: collection.name,
    id,
    fromVersion,
    body: JSON.stringify(value),
    keys: collection.keys(value),
    lists: collection.lists?.(value) ?? [],
  }
  return [{ kind: 'put-record', record }, changeRow(realm, { ...record, version: fromVersion + 1 }, audit)]
}

export type Deletion = { readonly collection: string; readonly id: string; readonly fromVersion: number }

/** Operations that delete a directory record. Its version stays as a tombstone, so that a seed file never brings it back. */
export function deleteRecord(realm: Realm, deletion: Deletion, audit: Audit): readonly Operation[] {
  const changed = { ...deletion, version: deletion.fromVersion + 1 }
  return [{ kind: 'delete-record', ...deletion }, changeRow(realm, changed, audit)]
}

/**
 * The log row of an act over others that changes no record; its audit names the caller. `collection` says what was acted on.
 * It must not be the name of a directory collection, because readers drop what they cached of those.
 */
export function actRow(
  realm: Realm,
  {
    collection,
    id,
  }: { readonly collection: 'grants' | 'clock' | 'impersonations' | 'apiKeyReadings'; readonly id: string },
  audit: Audit,
): Operation {
  return changeRow(realm, { collection, id, version: 1 }, audit)
}

type Changed = { readonly collection: string; readonly id: string; readonly version: number }

function changeRow(realm: Realm, { collection, id, version }: Changed, audit: Audit): Operation {
  return { kind: 'append', row: realm.row({ kind: 'change', collection, id, version }, audit) }
}
