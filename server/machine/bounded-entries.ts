import type { ExpiringEntry, ExpiringKind, Operation, Realm } from '@rescind/authority'
import { sha256Base64url } from '@rescind/core/bytes'

export type EntryBounds = {
  readonly kind: ExpiringKind
  readonly countMax: number
  readonly bytesMax: number
}

/** The entries of one owner in one realm, oldest first. */
type Shelf = {
  readonly kept: Map<string, { readonly bytes: number; readonly expiresAtMs: number }>
  bytes: number
}

/** Leading characters of an id that identify its owner. */
const TAG_CHARS = 16
/** Owners per realm whose shelves stay in memory; other shelves are read again when needed. */
const SHELVES_MAX = 1_000
/** Expiring entries may be large. */
const PAGE = 100

/**
 * Expiring entries of one kind that callers may create without limit. Each owner keeps its newest entries, up to a count
 * and a size per realm; one more evicts the owner's oldest. The store cannot be filled, no caller is refused, and no
 * caller evicts another's entries. An id begins with a tag of its owner, so a restart can tell the owners apart.
 */
export class BoundedEntries {
  readonly #bounds: EntryBounds
  readonly #shelves: WeakMap<Realm, Map<string, Promise<Shelf>>> = new WeakMap()

  constructor(bounds: EntryBounds) {
    this.#bounds = bounds
  }

  /** The id of an owner's entry with this name. */
  idOf(owner: string, name: string): string {
    return `${tagOf(owner)}.${this.earlierIdOf(owner, name)}`
  }

  /** The id without a tag, under which earlier builds stored entries. */
  earlierIdOf(owner: string, name: string): string {
    return sha256Base64url(`${owner}\0${name}`)
  }

  /** Operations that put an entry under `idOf` and drop those that no longer fit. @throws StoreUnavailable. */
  async put(realm: Realm, entry: Omit<ExpiringEntry, 'kind'>): Promise<readonly Operation[]> {
    const { kind, countMax, bytesMax } = this.#bounds
    const shelf = await this.#shelfOf(realm, entry.id.slice(0, TAG_CHARS))
    add(shelf, entry)
    const operations: Operation[] = [{ kind: 'put-expiring', entry: { ...entry, kind } }]
    for (const [id, { bytes, expiresAtMs }] of shelf.kept) {
      const isOver = expiresAtMs <= realm.nowMs()
      if (id === entry.id || !(isOver || shelf.kept.size > countMax || shelf.bytes > bytesMax)) break
      shelf.kept.delete(id)
      shelf.bytes -= bytes
      // Another process may have written it again since.
      operations.push({ kind: 'drop-expiring', entry: { kind, id }, ifExpiresAtMs: expiresAtMs })
    }
    return operations
  }

  #shelfOf(realm: Realm, tag: string): Promise<Shelf> {
    const ofRealm = this.#shelves.get(realm) ?? new Map<string, Promise<Shelf>>()
    this.#shelves.set(realm, ofRealm)
    const known = ofRealm.get(tag)
    if (known !== undefined) return known
    const read = readShelf(realm, this.#bounds.kind, tag)
    ofRealm.set(tag, read)
    // Forget a failed read, so that the next call reads again.
    read.catch(() => ofRealm.delete(tag))
    if (ofRealm.size > SHELVES_MAX) {
      const [first] = ofRealm.keys()
      if (first !== undefined) ofRealm.delete(first)
    }
    return read
  }
}

function tagOf(owner: string): string {
  return sha256Base64url(owner).slice(0, TAG_CHARS)
}

function add(shelf: Shelf, { id, value, expiresAtMs }: Omit<ExpiringEntry, 'kind'>): void {
  shelf.bytes += value.length - (shelf.kept.get(id)?.bytes ?? 0)
  shelf.kept.delete(id)
  shelf.kept.set(id, { bytes: value.length, expiresAtMs })
}

async function readShelf(realm: Realm, kind: ExpiringKind, tag: string): Promise<Shelf> {
  const found: { readonly id: string; readonly bytes: number; readonly expiresAtMs: number }[] = []
  for (let after: string | undefined = `${tag}.`; after !== undefined; ) {
    const { entries, next } = await realm.store.expiringPage(realm.ordinal, { kind, after, limit: PAGE })
    const own = entries.filter(({ id }) => id.startsWith(`${tag}.`))
    for (const { id, value, expiresAtMs } of own) found.push({ id, bytes: value.length, expiresAtMs })
    after = own.length < entries.length ? undefined : next
  }
  found.sort((left, right) => left.expiresAtMs - right.expiresAtMs)
  const kept = new Map(found.map(({ id, bytes, expiresAtMs }) => [id, { bytes, expiresAtMs }]))
  return { kept, bytes: found.reduce((total, { bytes }) => total + bytes, 0) }
}
