import type { Realm } from '@rescind/authority'

/** An id for a new record: 128 random bits, as clients know them. */
export function newId(realm: Realm): string {
  return realm.random.bytes(16).toString('hex')
}

/** A new API key, of the vendor's form. */
export function newApiKey(realm: Realm): string {
  return realm.random.bytes(16).toString('hex')
}

/** A password for a user that came without one: said once, 144 random bits; with the kinds of characters that policies ask for. */
export function newPassword(realm: Realm): string {
  return `Aa0${realm.random.bytes(18).toString('base64url')}`
}
