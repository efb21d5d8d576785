import type { Store, Watched } from '@rescind/authority'
import { type RealmOrdinal, StoreUnavailable } from '@rescind/core'

/** Rows of one batch. */
const WATCH_ROWS_MAX = 1_000

type Told = (watched: Watched) => Promise<void>
type Log = Pick<Store, 'chainedRowsAfter' | 'anchor'>

/** The watches of a store. An engine only has to call `moved` for a realm after committing rows to it. */
export class Watches {
  readonly #log: Log
  readonly #ofRealm: Map<RealmOrdinal, Set<Watch>> = new Map()
  /** Those whose last read failed. */
  readonly #due: Set<Watch> = new Set()

  constructor(log: Log) {
    this.#log = log
  }

  /** See `Store.watch`. */
  begin(realm: RealmOrdinal, after: number, told: Told): () => void {
    const watch = new Watch(this.#log, { realm, after, told, due: this.#due })
    const watches = this.#ofRealm.get(realm) ?? new Set()
    this.#ofRealm.set(realm, watches.add(watch))
    watch.wake()
    return () => {
      watch.stop()
      watches.delete(watch)
      this.#due.delete(watch)
      if (watches.size === 0) this.#ofRealm.delete(realm)
    }
  }

  moved(realm: RealmOrdinal): void {
    for (const watch of this.#ofRealm.get(realm) ?? []) watch.wake()
  }

  /** Call when the store can be read again: reads that failed are repeated. */
  retry(): void {
    const due = [...this.#due]
    this.#due.clear()
    for (const watch of due) watch.wake()
  }

  /** Call after a commit with an unknown outcome: rows may have come in every realm. */
  allMoved(): void {
    for (const realm of this.#ofRealm.keys()) this.moved(realm)
  }
}

type Place = {
  readonly realm: RealmOrdinal
  readonly after: number
  readonly told: Told
  readonly due: Set<Watch>
}

class Watch {
  readonly #log: Log
  readonly #realm: RealmOrdinal
  readonly #told: Told
  readonly #due: Set<Watch>
  #seq: number
  #isReading = false
  #hasMoved = false
  #isOver = false

  constructor(log: Log, { realm, after, told, due }: Place) {
    this.#log = log
    this.#realm = realm
    this.#seq = after
    this.#told = told
    this.#due = due
  }

  stop(): void {
    this.#isOver = true
  }

  /** A call during a read is handled when the read is done. */
  wake(): void {
    this.#hasMoved = true
    if (!this.#isReading && !this.#isOver) void this.#read()
  }

  async #read(): Promise<void> {
    this.#isReading = true
    while (this.#hasMoved && !this.#isOver) {
      this.#hasMoved = false
      const watched = await this.#next()
      // It may have been stopped meanwhile.
      if (watched === undefined || this.isOver) continue
      if (watched.kind !== 'rows') this.#isOver = true
      else if (watched.rows.length === WATCH_ROWS_MAX) this.#hasMoved = true
      await this.#told(watched)
    }
    this.#isReading = false
  }

  get isOver(): boolean {
    return this.#isOver
  }

  async #next(): Promise<Watched | undefined> {
    try {
      const rows = await this.#log.chainedRowsAfter(this.#realm, this.#seq, WATCH_ROWS_MAX)
      const [first, last] = [rows[0], rows.at(-1)]
      if (first === undefined || last === undefined) return undefined
      if (first.seq !== this.#seq + 1) return { kind: 'trimmed', anchor: await this.#log.anchor(this.#realm) }
      this.#seq = last.seq
      return { kind: 'rows', rows }
    } catch (error) {
      if (!(error instanceof StoreUnavailable)) throw error
      if (!this.#isOver) this.#due.add(this)
      return undefined
    }
  }
}
