import { type Audit, type Collection, putRecord, type Realm } from '@rescind/authority'
import { SettingsRefused, StoreUnavailable } from '@rescind/core'

export const SEED_AUDIT: Audit = { by: 'server', from: 'local', how: 'seed' }

type Named<T> = { readonly collection: Collection<T>; readonly id: string }
type Make<T> = () => T | Promise<T>

/** Decides whether a record has to be created, makes it, and returns how to write it. */
export type Plan = (realm: Realm) => Promise<(() => Promise<0 | 1>) | undefined>

/** Records that are made and written together: they share flushes, and all cores hash passwords. */
const TOGETHER_MAX = 64

/**
 * Creates the records of one list of the file, in its order. @returns how many were created.
 * @throws as `create` does.
 */
export async function createAll<T>(
  realm: Realm,
  given: readonly T[],
  planOf: (item: T) => Plan,
): Promise<number> {
  let created = 0
  for (let from = 0; from < given.length; from += TOGETHER_MAX) {
    const some = given.slice(from, from + TOGETHER_MAX)
    const writes = await Promise.all(some.map((item) => planOf(item)(realm)))
    const ended = await Promise.allSettled(writes.map((write) => write?.() ?? Promise.resolve(0)))
    for (const end of ended) {
      if (end.status === 'rejected') throw end.reason
      created += end.value
    }
  }
  return created
}

/** Creates one record. @throws as `plan` says. */
export async function create<T>(realm: Realm, named: Named<T>, make: Make<T>): Promise<0 | 1> {
  const write = await plan(named, make)(realm)
  return write === undefined ? 0 : write()
}

/**
 * A record that is created unless its id is, or was, in use.
 * Writing it throws SettingsRefused when another record has one of its keys already.
 */
export function plan<T>(named: Named<T>, make: Make<T>): Plan {
  return async (realm) => {
    const version = await realm.directory.version(named.collection, named.id)
    if (version > 0) return undefined
    const value = await make()
    return () => write(realm, named, value)
  }
}

async function write<T>(realm: Realm, { collection, id }: Named<T>, value: T): Promise<0 | 1> {
  const outcome = await realm.commit({
    realm: realm.ordinal,
    dependsOn: [],
    expects: [],
    operations: putRecord(realm, { collection, id, value, fromVersion: 0 }, SEED_AUDIT),
  })
  if (outcome.kind === 'applied') return 1
  // The same list names it twice, and the first one counts.
  if (outcome.kind === 'conflict' && outcome.what === 'record-changed') return 0
  if (outcome.kind === 'conflict' && outcome.what === 'key-taken') {
    throw new SettingsRefused(`seed: ${collection.name} "${id}" uses a name or key that another one has`)
  }
  throw new StoreUnavailable(`seed: ${collection.name} "${id}" could not be written`)
}
