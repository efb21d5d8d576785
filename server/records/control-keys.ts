import {
  type Collection,
  commitOwn,
  mintText,
  PREFIX,
  putRecord,
  type Realm,
  shaped,
} from '@rescind/authority'
import { defined } from '@rescind/core/bytes'

export type ControlRole = 'metrics' | 'viewer' | 'responder' | 'admin'

/** Roles in rising order: each may do what the ones before it may. `metrics` only scrapes: no call of the control API is its. */
export const ROLES: readonly ControlRole[] = ['metrics', 'viewer', 'responder', 'admin']

/** A key of the control API, kept in the system realm. `realm` absent: all realms. */
export type ControlKey = {
  readonly name: string
  readonly role: ControlRole
  readonly realm?: string
  /** Who it belongs to, as `OWNER`; never changed. Absent: nobody by name. */
  readonly owner?: string
  readonly keyDigest: string
  readonly createdAtMs?: number
}

export const CONTROL_KEYS: Collection<ControlKey> = {
  name: 'controlKeys',
  keys: ({ keyDigest }) => [{ name: 'digest', value: keyDigest }],
  // A key whose realm is unreadable must not count as a key of all realms.
  isValue: shaped(
    { name: 'text', role: ROLES, keyDigest: 'text' },
    { realm: 'text', owner: 'text', createdAtMs: 'number' },
  ),
  lists: ({ realm }) => (realm === undefined ? [] : [{ name: 'realm', value: realm }]),
}

type Wanted = Pick<ControlKey, 'name' | 'role'> & {
  readonly realm?: string | undefined
  readonly owner?: string | undefined
}

/** A record for a new key, and the key's text, which is in no record. */
export function newControlKey(
  system: Realm,
  wanted: Wanted,
): { readonly id: string; readonly value: ControlKey; readonly text: string } {
  const text = mintText(PREFIX.controlKey, system.random).reveal()
  const id = `key_${system.random.bytes(16).toString('base64url')}`
  const keyDigest = system.secretDigest(text)
  return { id, value: defined({ ...wanted, keyDigest, createdAtMs: system.nowMs() }), text }
}

/** @returns undefined for a key without one, and for a key that is gone or cannot be read. */
export async function ownerOfKey(system: Realm, id: string): Promise<string | undefined> {
  return (await system.directory.readable(CONTROL_KEYS, id))?.value.owner
}

/** Whether a role may do what needs another one. */
export function reaches(role: ControlRole, needed: ControlRole): boolean {
  return ROLES.indexOf(role) >= ROLES.indexOf(needed)
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
