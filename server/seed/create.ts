import {
  type Audit,
  type Collection,
  putRecord,
  type Realm,
  SettingsRefused,
  StoreUnavailable,
} from '@rescind/core'

export const SEED_AUDIT: Audit = { by: 'server', from: 'local', how: 'seed' }

type Named<T> = { readonly collection: Collection<T>; readonly id: string }
type Make<T> = () => T | Promise<T>

/**
 * Creates a record unless something stands or stood under its id.
 * @throws SettingsRefused when another record has one of its keys already.
 */
export async function create<T>(realm: Realm, { collection, id }: Named<T>, make: Make<T>): Promise<0 | 1> {
  const version = await realm.directory.version(collection, id)
  if (version > 0) return 0
  const outcome = await realm.commit({
    realm: realm.ordinal,
    standsOn: [],
    expects: [],
    operations: putRecord(realm, { collection, id, value: await make(), fromVersion: 0 }, SEED_AUDIT),
  })
  if (outcome.kind === 'applied') return 1
  if (outcome.kind === 'conflict' && outcome.what === 'key-taken') {
    throw new SettingsRefused(`seed: ${collection.name} "${id}" uses a name or key that another one has`)
  }
  throw new StoreUnavailable(`seed: ${collection.name} "${id}" could not be written`)
}
