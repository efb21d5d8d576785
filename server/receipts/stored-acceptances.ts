import {
  ACCEPTOR_KINDS,
  type Acceptor,
  type Dropped,
  EXPIRING_KINDS,
  type ExpiringEntry,
  type ExpiringKind,
  type Note,
  named,
  type Realm,
  readObject,
  STRANGE,
} from '@rescind/authority'
import type { Handle } from '@rescind/core'
import { sha256Base64url } from '@rescind/core/bytes'

export const ACCEPTED_KIND: ExpiringKind = EXPIRING_KINDS.accepted
const DROPPED_KIND = EXPIRING_KINDS.acceptedDropped
/** Length of the hash that stands for an acceptor in an id: 128 bits. */
const HASH_CHARS = 22
const PAGE = 100
/** Acceptors of one token that are read. */
const ACCEPTORS_READ_MAX = 500
/** Entries about dropped acceptances that are read. */
const DROPPED_READ_MAX = 10_000

/** A token of ours, or a registered issuer's. */
export type TokenName = Handle | { readonly issuer: string; readonly jti: string }

/** That one acceptor accepted one token: the first and the last minute of it. */
export type Accepted = {
  readonly acceptor: Acceptor
  readonly firstMs: number
  readonly lastMs: number
  readonly instances: readonly string[]
}

export type DroppedBy = { readonly acceptor: Acceptor; readonly dropped: Dropped }

/** How ids of entries about a token begin. */
function tokenKey(name: TokenName): string {
  return typeof name === 'string' ? name : `for_${sha256Base64url(JSON.stringify([name.issuer, name.jti]))}`
}

export function hashOf({ by, name }: Acceptor): string {
  return sha256Base64url(JSON.stringify([by, name])).slice(0, HASH_CHARS)
}

export function entryId(name: TokenName, acceptor: Acceptor): string {
  return `${tokenKey(name)}.${hashOf(acceptor)}`
}

/** What an id of an entry says: whose entry it is, and whether it is about a registered issuer's token. */
export function idParts(id: string): { readonly hash: string; readonly isForeign: boolean } {
  return { hash: id.slice(-HASH_CHARS), isForeign: id.startsWith('for_') }
}

export function nameOf({ name }: Note): TokenName {
  return 'handle' in name ? name.handle : name
}

export function acceptedEntry(id: string, accepted: Accepted, expiresAtMs: number): ExpiringEntry {
  const { acceptor, firstMs, lastMs, instances } = accepted
  const value = Buffer.from(JSON.stringify({ ...acceptor, firstMs, lastMs, instances }), 'utf8')
  return { kind: ACCEPTED_KIND, id, value, expiresAtMs }
}

/** @returns undefined for what another version may have stored. */
function acceptedIn({ value }: ExpiringEntry): Accepted | undefined {
  const { firstMs, lastMs, instances, ...rest } = readObject(value) ?? {}
  const acceptor = acceptorIn(rest)
  if (acceptor === undefined || typeof firstMs !== 'number' || typeof lastMs !== 'number') return undefined
  const texts = Array.isArray(instances) ? instances.filter((one) => typeof one === 'string') : []
  return { acceptor, firstMs, lastMs, instances: texts }
}

function acceptorIn({ by, name }: Readonly<Record<string, unknown>>): Acceptor | undefined {
  const kind = ACCEPTOR_KINDS.find((one) => one === by)
  return kind === undefined || typeof name !== 'string' ? undefined : { by: kind, name }
}

/** Repeating a report changes nothing. */
export function merged(one: Accepted, other: Omit<Accepted, 'acceptor'>): Accepted {
  return {
    acceptor: one.acceptor,
    firstMs: Math.min(one.firstMs, other.firstMs),
    lastMs: Math.max(one.lastMs, other.lastMs),
    instances: named(one.instances, other.instances),
  }
}

export async function storedAcceptance(
  realm: Realm,
  id: string,
): Promise<{ readonly accepted: Accepted | undefined; readonly expiresAtMs: number } | undefined> {
  const entry = await realm.store.expiring(realm.ordinal, { kind: ACCEPTED_KIND, id })
  return entry === undefined ? undefined : { accepted: acceptedIn(entry), expiresAtMs: entry.expiresAtMs }
}

/** Who accepted a token, as stored by all nodes and as noted here since. @throws StoreUnavailable. */
export async function acceptancesOf(realm: Realm, name: TokenName): Promise<readonly Accepted[]> {
  const found = new Map<string, Accepted>()
  const prefix = `${tokenKey(name)}.`
  let after: string | undefined = prefix
  while (after !== undefined && found.size < ACCEPTORS_READ_MAX) {
    const page = await realm.store.expiringPage(realm.ordinal, { kind: ACCEPTED_KIND, after, limit: PAGE })
    const own = page.entries.filter(({ id }) => id.startsWith(prefix))
    for (const entry of own) {
      const accepted = acceptedIn(entry)
      if (accepted === undefined) tellUnreadable(realm, entry)
      else found.set(entry.id, accepted)
    }
    after = own.length === page.entries.length ? page.next : undefined
  }
  for (const note of realm.acceptances.of(name)) {
    const id = entryId(name, note.acceptor)
    const known = found.get(id)
    found.set(id, known === undefined ? note : merged(known, note))
  }
  return [...found.values()].sort(byTime)
}

function byTime(one: Accepted, other: Accepted): number {
  if (one.firstMs !== other.firstMs) return one.firstMs - other.firstMs
  const [left, right] = [one, other].map(({ acceptor: { by, name } }) => `${by} ${name}`) as [string, string]
  return left < right ? -1 : Number(left > right)
}

export function droppedEntry(
  id: string,
  { acceptor, dropped }: DroppedBy,
  expiresAtMs: number,
): ExpiringEntry {
  const value = Buffer.from(JSON.stringify({ ...acceptor, ...dropped }), 'utf8')
  return { kind: DROPPED_KIND, id, value, expiresAtMs }
}

function droppedIn({ value }: ExpiringEntry): DroppedBy | undefined {
  const { count, sinceMs, untilMs, ...rest } = readObject(value) ?? {}
  const acceptor = acceptorIn(rest)
  if (acceptor === undefined || typeof count !== 'number') return undefined
  if (typeof sinceMs !== 'number' || typeof untilMs !== 'number') return undefined
  return { acceptor, dropped: { count, sinceMs, untilMs } }
}

/** What was dropped by any node, and is known to be; not summed. @throws StoreUnavailable. */
export async function droppedBy(realm: Realm): Promise<readonly DroppedBy[]> {
  const found: DroppedBy[] = [...realm.acceptances.dropped()]
  let after: string | undefined
  do {
    const page = await realm.store.expiringPage(realm.ordinal, { kind: DROPPED_KIND, after, limit: 1_000 })
    for (const entry of page.entries) {
      const dropped = droppedIn(entry)
      if (dropped === undefined) tellUnreadable(realm, entry)
      else found.push(dropped)
    }
    after = page.next
  } while (after !== undefined && found.length < DROPPED_READ_MAX)
  return found
}

function tellUnreadable(realm: Realm, { kind, id }: ExpiringEntry): void {
  realm.unreadable({ what: 'memo', name: `${kind}/${id}`, why: STRANGE })
}
