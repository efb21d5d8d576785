import { NotReadable, type RealmOrdinal } from '@rescind/core'
import { decodeRule, type LogRow, rowKindOf } from '@rescind/core/log'
import { type Awaitable, after } from '../awaitable.ts'
import type { RecordKey } from '../log/writes.ts'
import type { DirectoryRecord, Store } from '../ports.ts'
import { type IsValue, readObject, STRANGE } from './stored-json.ts'

/** A named kind of record. `keys` are the texts by which at most one live record can be found. */
export type Collection<T> = {
  readonly name: string
  readonly keys: (value: T) => readonly RecordKey[]
  /** The texts by which its records are listed; records may share them. */
  readonly lists?: (value: T) => readonly RecordKey[]
  /** Whether stored members form a valid value, as far as readers rely on it; absent: every object does. */
  readonly isValue?: IsValue
}

/** Called when a record cannot be read, and when a record is written. */
export type RecordWatch = {
  readonly unreadable: (name: string, why: string) => void
  readonly written: (name: string) => void
}
const NOBODY: RecordWatch = { unreadable: () => {}, written: () => {} }

/** A live record. An update must name its `version`. */
export type Entry<T> = { readonly id: string; readonly version: number; readonly value: T }

/** The state of an id: a live record, or only the version that a new record has to follow. */
export type RecordState<T> = { readonly version: number; readonly entry: Entry<T> | undefined }

export type DirectoryPageAsk = {
  readonly listed?: RecordKey
  readonly after: string | undefined
  /** At most 1,000. */
  readonly limit: number
}
export type DirectoryPage<T> = { readonly entries: readonly Entry<T>[]; readonly next: string | undefined }

/** Maximum records kept parsed; a realm with more live ones reads some again. */
const CACHED_MAX = 20_000

/**
 * A realm's directory, read through a cache. Every change of a record is a log row, and the row drops the cached copy on
 * every node. A record that is damaged or from a newer version cannot be read: requests that need it fail (NotReadable),
 * and lists leave it out and report it.
 */
export class Directory {
  readonly #store: Store
  readonly #realm: RealmOrdinal
  readonly #watch: RecordWatch
  /** By collection, then by id, so that a look-up builds no combined key. */
  readonly #byId: Map<string, Map<string, Entry<unknown>>> = new Map()
  #held = 0
  readonly #idByKey: Map<string, string> = new Map()
  /** Counts change rows: a record read before a change is not cached after it. */
  #changes = 0

  constructor(store: Store, realm: RealmOrdinal, watch: RecordWatch = NOBODY) {
    this.#store = store
    this.#realm = realm
    this.#watch = watch
  }

  get<T>(collection: Collection<T>, id: string): Awaitable<Entry<T> | undefined> {
    const cached = this.#byId.get(collection.name)?.get(id)
    if (cached !== undefined) return cached as Entry<T>
    const changes = this.#changes
    const reads = this.#store.keyed ?? this.#store
    return after(reads.record(this.#realm, collection.name, id), (record) =>
      record === undefined ? undefined : this.#keep(record, collection, changes),
    )
  }

  /** As `get`, but tells a deleted record (version > 0) from one that never existed (0). Bypasses the cache. */
  async state<T>(collection: Collection<T>, id: string): Promise<RecordState<T>> {
    const changes = this.#changes
    const record = await this.#store.record(this.#realm, collection.name, id)
    const entry = record === undefined ? undefined : this.#keep(record, collection, changes)
    return { version: record?.version ?? 0, entry }
  }

  /** As `get`, but undefined also for an unreadable record, for callers that can do without it. Bypasses the cache. */
  async readable<T>(collection: Collection<T>, id: string): Promise<Entry<T> | undefined> {
    const record = await this.#store.record(this.#realm, collection.name, id)
    const entry = record === undefined ? undefined : this.#parse(record, collection)
    return entry === 'unreadable' ? undefined : entry
  }

  /** The version of an id, live or deleted, even if this program cannot read the record; 0: it never existed. */
  async version({ name }: Pick<Collection<never>, 'name'>, id: string): Promise<number> {
    const record = await this.#store.record(this.#realm, name, id)
    return record?.version ?? 0
  }

  find<T>(collection: Collection<T>, key: RecordKey): Awaitable<Entry<T> | undefined> {
    const at = cacheKey(collection.name, `${key.name}=${key.value}`)
    const id = this.#idByKey.get(at)
    const cached = id === undefined ? undefined : this.#byId.get(collection.name)?.get(id)
    // The record may have lost this key since, so its own keys decide.
    if (cached !== undefined && isFoundBy(collection, cached as Entry<T>, key)) return cached as Entry<T>
    const changes = this.#changes
    const reads = this.#store.keyed ?? this.#store
    return after(reads.recordByKey(this.#realm, { collection: collection.name, ...key }), (record) => {
      const entry = record === undefined ? undefined : this.#keep(record, collection, changes)
      if (entry !== undefined && changes === this.#changes) this.#idByKey.set(at, entry.id)
      return entry
    })
  }

  /** All live records of a collection, page by page. */
  async *all<T>(collection: Collection<T>): AsyncGenerator<Entry<T>, void> {
    let after_: string | undefined
    do {
      const page = await this.#store.records(this.#realm, {
        collection: collection.name,
        after: after_,
        limit: PAGE,
      })
      yield* this.#readable(page.records, collection)
      after_ = page.next
    } while (after_ !== undefined)
  }

  /** Live records that are listed under a name and value, by id, page by page. */
  async *listed<T>(collection: Collection<T>, { name, value }: RecordKey): AsyncGenerator<Entry<T>, void> {
    let next: string | undefined
    do {
      const ask = { collection: collection.name, name, value, after: next, limit: PAGE }
      const page = await this.#store.recordsListed(this.#realm, ask)
      yield* this.#readable(page.records, collection)
      next = page.next
    } while (next !== undefined)
  }

  /**
   * One page of live records after an id: all of them, or those listed under a name and value. It has as many as were asked
   * for, unless the collection ends, however many the store returns at a time.
   */
  async page<T>(collection: Collection<T>, ask: DirectoryPageAsk): Promise<DirectoryPage<T>> {
    const { listed, limit } = ask
    const entries: Entry<T>[] = []
    let after_ = ask.after
    do {
      const page = { collection: collection.name, after: after_, limit: limit - entries.length }
      const { records, next } = await (listed === undefined
        ? this.#store.records(this.#realm, page)
        : this.#store.recordsListed(this.#realm, { ...page, ...listed }))
      entries.push(...this.#readable(records, collection))
      after_ = next
    } while (after_ !== undefined && entries.length < limit)
    return { entries, next: after_ }
  }

  /** Drops the cached copy of the record that a row changed. */
  onRow(row: LogRow): void {
    if (rowKindOf(row) !== 'change') return
    const rule = decodeRule(row)
    if (rule.kind !== 'change') return
    this.#changes += 1
    this.#watch.written(`${rule.collection}/${rule.id}`)
    if (this.#byId.get(rule.collection)?.delete(rule.id) === true) this.#held -= 1
  }

  #readable<T>(records: readonly DirectoryRecord[], collection: Collection<T>): readonly Entry<T>[] {
    return records.flatMap((record) => {
      const entry = this.#parse(record, collection)
      return entry === undefined || entry === 'unreadable' ? [] : [entry]
    })
  }

  /** Only this program writes bodies, from values of the collection's type; hence the one cast. */
  #parse<T>(
    { id, version, body, collection: name }: DirectoryRecord,
    { isValue }: Collection<T>,
  ): Entry<T> | 'unreadable' | undefined {
    if (body === undefined) return undefined
    const value = readObject(body)
    if (value !== undefined && isValue?.(value) !== false) return { id, version, value: value as T }
    this.#watch.unreadable(`${name}/${id}`, STRANGE)
    return 'unreadable'
  }

  /** @throws NotReadable. */
  #keep<T>(record: DirectoryRecord, collection: Collection<T>, changesBefore: number): Entry<T> | undefined {
    const entry = this.#parse(record, collection)
    if (entry === 'unreadable') throw new NotReadable(`${record.collection}/${record.id}: ${STRANGE}`)
    if (entry === undefined || changesBefore !== this.#changes) return entry
    if (this.#held >= CACHED_MAX || this.#idByKey.size >= CACHED_MAX) {
      this.#byId.clear()
      this.#held = 0
      this.#idByKey.clear()
    }
    const ofCollection = this.#byId.get(record.collection) ?? new Map<string, Entry<unknown>>()
    this.#byId.set(record.collection, ofCollection)
    if (!ofCollection.has(record.id)) this.#held += 1
    ofCollection.set(record.id, entry)
    return entry
  }
}

const PAGE = 1_000

function isFoundBy<T>(collection: Collection<T>, entry: Entry<T>, key: RecordKey): boolean {
  return collection.keys(entry.value).some((own) => own.name === key.name && own.value === key.value)
}

function cacheKey(collection: string, id: string): string {
  return `${collection}\0${id}`
}
