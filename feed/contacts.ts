import {
  type Caller,
  EXPIRING_KINDS,
  type ExpiringEntry,
  type Realm,
  readObject,
  STRANGE,
  type Store,
} from '@rescind/authority'
import type { RealmOrdinal } from '@rescind/core'
import { type Contact, contactIn } from './contact.ts'

const KIND = EXPIRING_KINDS.feedInstance
const PAGE = 1_000
/** How long an instance is remembered after its last stored contact. */
const REMEMBERED_MS = 86_400_000
/** Age of a stored contact at which an acknowledgement stores a new one. */
export const RENEW_MS: number = REMEMBERED_MS / 8

/**
 * Makes a contact durable. @returns `stale` when the key was revoked meanwhile.
 * @throws StoreUnavailable, Overloaded.
 */
export async function writeContact(
  realm: Realm,
  contact: Contact,
  caller: Caller,
): Promise<'written' | 'stale'> {
  const outcome = await realm.commit({
    realm: realm.ordinal,
    dependsOn: [caller.dependency],
    expects: [],
    operations: [{ kind: 'put-expiring', entry: entryOf(contact) }],
  })
  return outcome.kind === 'applied' ? 'written' : 'stale'
}

/** @throws StoreUnavailable, Overloaded. */
export async function dropContact(realm: Realm, instance: string): Promise<void> {
  const operations = [{ kind: 'drop-expiring', entry: { kind: KIND, id: instance } }] as const
  await realm.commit({ realm: realm.ordinal, dependsOn: [], expects: [], operations })
}

/** The instances that had a stream before this process started. */
export async function readContacts(realm: Realm): Promise<readonly Contact[]> {
  const contacts: Contact[] = []
  for (let after: string | undefined; ; ) {
    const page = await realm.store.expiringPage(realm.ordinal, { kind: KIND, after, limit: PAGE })
    for (const entry of page.entries) {
      const contact = contactOf(entry)
      // An unreadable one is no longer waited for; its own bound limits what it accepts.
      if (contact === undefined) realm.unreadable({ what: 'memo', name: `${KIND}/${entry.id}`, why: STRANGE })
      if (contact !== undefined && entry.expiresAtMs > realm.nowMs()) contacts.push(contact)
    }
    if (page.next === undefined) return contacts
    after = page.next
  }
}

/** An instance that another process may have met. @throws StoreUnavailable. */
export async function readContact(realm: Realm, instance: string): Promise<Contact | undefined> {
  const entry = await realm.store.expiring(realm.ordinal, { kind: KIND, id: instance })
  return entry === undefined ? undefined : contactOf(entry)
}

/** Whether a realm that is not open has a stored contact. @throws StoreUnavailable. */
export async function hadContacts(store: Store, realm: RealmOrdinal): Promise<boolean> {
  return (await store.expiringPage(realm, { kind: KIND, after: undefined, limit: 1 })).entries.length > 0
}

function entryOf(contact: Contact): ExpiringEntry {
  const value = Buffer.from(JSON.stringify(contact), 'utf8')
  return { kind: KIND, id: contact.instance, value, expiresAtMs: contact.contactMs + REMEMBERED_MS }
}

function contactOf({ value }: ExpiringEntry): Contact | undefined {
  return contactIn(readObject(value) ?? {})
}
