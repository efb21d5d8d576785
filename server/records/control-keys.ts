import { type Collection, commitOwn, putRecord, type Realm, shaped } from '@rescind/authority'

export type ControlRole = 'viewer' | 'responder' | 'admin'

/** Roles in rising order: each may do what the ones before it may. */
export const ROLES: readonly ControlRole[] = ['viewer', 'responder', 'admin']

/** A key of the control API, kept in the system realm. `realm` absent: all realms. */
export type ControlKey = {
  readonly name: string
  readonly role: ControlRole
  readonly realm?: string
  readonly keyDigest: string
  readonly createdAtMs?: number
}

export const CONTROL_KEYS: Collection<ControlKey> = {
  name: 'controlKeys',
  keys: ({ keyDigest }) => [{ name: 'digest', value: keyDigest }],
  // A key whose realm is unreadable must not count as a key of all realms.
  isValue: shaped({ name: 'text', role: ROLES, keyDigest: 'text' }, { realm: 'text', createdAtMs: 'number' }),
  lists: ({ realm }) => (realm === undefined ? [] : [{ name: 'realm', value: realm }]),
}

/**
 * The id of a store's first key. A record under this id, live or deleted, means that the store has had its first key.
 */
const FIRST_KEY_ID = 'first'

export async function hasHadControlKey(system: Realm): Promise<boolean> {
  return (await system.directory.version(CONTROL_KEYS, FIRST_KEY_ID)) > 0
}

export async function createFirstKey(system: Realm, key: string): Promise<void> {
  const value: ControlKey = { name: FIRST_KEY_ID, role: 'admin', keyDigest: system.secretDigest(key) }
  const put = { collection: CONTROL_KEYS, id: FIRST_KEY_ID, value, fromVersion: 0 }
  const audit = { by: 'server', from: 'local', how: 'control.firstKey' }
  await commitOwn(system, putRecord(system, put, audit))
}
