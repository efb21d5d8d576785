import {
  type Audit,
  type Collection,
  deleteRecord,
  type Entry,
  type ExpiringEntry,
  type ExpiringKind,
  type IsValue,
  type Operation,
  putRecord,
  type Realm,
  readObject,
  readValue,
  STRANGE,
  shaped,
} from '@rescind/authority'
import { sha256 } from '@rescind/core/bytes'

/** An item that waits for a time or a decision: a hold, a scheduled revocation, a request for approval. */
export type Waiting = {
  readonly dueAtMs: number
  /** The slot that it takes. Absent: it was written before there were slots, and takes one all the same. */
  readonly slot?: number
}
/** How it ended. */
export type Ended<State extends string> = {
  readonly state: State
  readonly endedAtMs: number
  readonly endedBy: string
  readonly endReason?: string
}

/**
 * The most open items of one kind in one realm; one more is refused. Each item takes a slot by a unique key, so the
 * commit refuses the excess even when many requests come at once.
 */
export const OPEN_MAX = 1_000
const SLOT = 'slot'

/**
 * One kind of pending item. An open item is a directory record, so exactly one caller ends it; its outcome is an expiring
 * entry that lives as long as the audit.
 */
export class PendingKind<T extends Waiting, State extends string> {
  readonly name: ExpiringKind
  readonly collection: Collection<T>
  readonly #prefix: string
  readonly #isEnded: IsValue

  constructor(name: ExpiringKind, prefix: string, { isValue, states }: PendingShape<State>) {
    this.name = name
    this.#prefix = prefix
    const isEnd = shaped({ state: states, endedAtMs: 'number', endedBy: 'text' }, { endReason: 'text' })
    this.#isEnded = (value) => isValue(value) && isEnd(value)
    this.collection = {
      name,
      isValue,
      keys: ({ slot }) => (slot === undefined ? [] : [{ name: SLOT, value: String(slot) }]),
    }
  }

  mintId(realm: Realm): string {
    return this.#prefix + realm.random.bytes(16).toString('base64url')
  }

  /**
   * A free slot, or undefined when there is none. Another write may take it first; then this one conflicts, and has to
   * ask again. Each item from before there were slots keeps one of the lowest slots occupied.
   */
  async freeSlot(realm: Realm, id: string): Promise<number | undefined> {
    const { entries } = await realm.directory.page(this.collection, { after: undefined, limit: OPEN_MAX })
    if (entries.length >= OPEN_MAX) return undefined
    const taken = new Set(entries.flatMap(({ value }) => value.slot ?? []))
    const free: number[] = []
    for (let slot = entries.length - taken.size; slot < OPEN_MAX; slot += 1)
      if (!taken.has(slot)) free.push(slot)
    // Ids are random, so simultaneous requests mostly take different slots.
    return free[sha256(Buffer.from(id, 'utf8')).readUInt32BE() % free.length]
  }

  put(realm: Realm, { id, value, slot, audit }: Put<T>): readonly Operation[] {
    const put = { collection: this.collection, id, value: { ...value, slot }, fromVersion: 0 }
    return putRecord(realm, put, audit)
  }

  /**
   * Operations that end an item, for the same write as what follows from its end. The store accepts only the first such
   * write.
   */
  end(realm: Realm, { entry, ended, audit, keptMs }: End<T, State>): readonly Operation[] {
    const { id, version } = entry
    const value = Buffer.from(JSON.stringify({ ...entry.value, ...ended }), 'utf8')
    const expiring = { kind: this.name, id, value, expiresAtMs: ended.endedAtMs + keptMs }
    return [
      ...deleteRecord(realm, { collection: this.collection.name, id, fromVersion: version }, audit),
      { kind: 'put-expiring', entry: expiring },
    ]
  }

  async find(realm: Realm, id: string): Promise<Found<T, State>> {
    const entry = await realm.directory.get(this.collection, id)
    if (entry !== undefined) return { kind: 'open', entry }
    const expiring = await realm.store.expiring(realm.ordinal, { kind: this.name, id })
    if (expiring === undefined || expiring.expiresAtMs <= realm.nowMs()) return { kind: 'none' }
    return { kind: 'ended', id, value: readValue(expiring.value, this.#entryName(id), this.#isEnded) }
  }

  async open(realm: Realm, after: string | undefined, limit: number): Promise<Page<Entry<T>>> {
    const { entries, next } = await realm.directory.page(this.collection, { after, limit })
    return { items: entries, next }
  }

  /** How many are open, at most `OPEN_MAX`. */
  async count(realm: Realm): Promise<number> {
    // Ids go on in base64url, in which nothing comes after `~`.
    const between = { after: this.#prefix, below: `${this.#prefix}~` }
    const ask = { collection: this.name, ...between, limit: OPEN_MAX }
    return (await realm.store.recordsCounted(realm.ordinal, ask)).count
  }

  async ended(realm: Realm, after: string | undefined, limit: number): Promise<Page<OldOne<T, State>>> {
    const { entries, next } = await realm.store.expiringPage(realm.ordinal, { kind: this.name, after, limit })
    const alive = entries.filter(({ expiresAtMs }) => expiresAtMs > realm.nowMs())
    return { items: alive.flatMap((expiring) => this.#readable(realm, expiring)), next }
  }

  /** Leaves an unreadable item out of lists, and reports it. */
  #readable(realm: Realm, { id, value }: ExpiringEntry): readonly OldOne<T, State>[] {
    const read = readObject(value)
    // Written by `end` alone, hence the cast.
    if (read !== undefined && this.#isEnded(read)) return [{ id, value: read as T & Ended<State> }]
    realm.unreadable({ what: 'memo', name: this.#entryName(id), why: STRANGE })
    return []
  }

  #entryName(id: string): string {
    return `${this.name}/${id}, which has ended`
  }
}

/** The form that stored members need to be read as an open item, and the states in which one can end. */
export type PendingShape<State extends string> = {
  readonly isValue: IsValue
  readonly states: readonly State[]
}

/** The time at which an item is settled, and how long it stays readable afterwards. */
export type Settling = { readonly nowMs: number; readonly keptMs: number }
export type Put<T> = {
  readonly id: string
  readonly value: T
  /** The result of `freeSlot`. */
  readonly slot: number
  readonly audit: Audit
}
export type End<T, State extends string> = {
  readonly entry: Entry<T>
  readonly ended: Ended<State>
  readonly audit: Audit
  /** How long it stays readable afterwards. */
  readonly keptMs: number
}
export type OldOne<T, State extends string> = { readonly id: string; readonly value: T & Ended<State> }
export type Found<T, State extends string> =
  | { readonly kind: 'none' }
  | { readonly kind: 'open'; readonly entry: Entry<T> }
  | ({ readonly kind: 'ended' } & OldOne<T, State>)
export type Page<I> = { readonly items: readonly I[]; readonly next: string | undefined }
