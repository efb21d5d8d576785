import type { Realm } from '@rescind/authority'

/** An id for a new record: 128 random bits in hex, as clients expect. */
export function newId(realm: Realm): string {
  return realm.random.bytes(16).toString('hex')
}

/** A new API key in the vendor's form. */
export function newApiKey(realm: Realm): string {
  return realm.random.bytes(16).toString('hex')
}

/** A generated password, shown once: 144 random bits, with the kinds of characters that password policies require. */
export function newPassword(realm: Realm): string {
  return `Aa0${realm.random.bytes(18).toString('base64url')}`
}
