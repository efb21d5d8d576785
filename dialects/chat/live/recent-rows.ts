import type { Realm } from '@rescind/authority'
import type { Source } from '@rescind/core'
import { type ChangeRule, decodeRule, type LogRow, rowKindOf } from '@rescind/core/log'
import { type LiveEvent, liveEvent } from './events.ts'

/** Rows of a realm kept in memory, so that streams that keep up need no reads. */
const RECENT_MAX = 4_096
/** Rows that a stream gets per read. */
const PAGE = 256

type Events = Map<Source, Promise<LiveEvent | undefined>>

/** The last rows of a realm's log, kept while the realm has streams. Older rows come from the store. */
export class RecentRows {
  readonly #realm: Realm
  #rows: LogRow[] = []
  /** The event of each row by app, made once for all streams. The entry goes with its row. */
  readonly #events: WeakMap<LogRow, Events> = new WeakMap()

  constructor(realm: Realm) {
    this.#realm = realm
  }

  add(row: LogRow): void {
    const last = this.#rows.at(-1)
    if (last !== undefined && row.seq !== last.seq + 1) this.#rows = []
    this.#rows.push(row)
    if (this.#rows.length >= 2 * RECENT_MAX) this.#rows = this.#rows.slice(-RECENT_MAX)
  }

  /** Rows after a sequence number, in order. Only folded ones, so that a reader who hears of a row finds it in force. */
  async after(seq: number): Promise<readonly LogRow[]> {
    const folded = this.#realm.index.seq
    if (seq >= folded) return []
    const first = this.#rows[0]
    const rows =
      first !== undefined && first.seq <= seq + 1
        ? this.#rows.slice(seq + 1 - first.seq, seq + 1 - first.seq + PAGE)
        : await this.#realm.store.rowsAfter(this.#realm.ordinal, seq, PAGE)
    return rows.filter((row) => row.seq <= folded)
  }

  /** @throws StoreUnavailable; the next caller tries again. */
  event(row: LogRow, source: Source): Promise<LiveEvent | undefined> {
    const events = this.#events.get(row) ?? new Map<Source, Promise<LiveEvent | undefined>>()
    const known = events.get(source)
    if (known !== undefined) return known
    this.#events.set(row, events)
    const made = this.#workedOut(row, source, events)
    events.set(source, made)
    return made
  }

  async #workedOut(row: LogRow, source: Source, events: Events): Promise<LiveEvent | undefined> {
    let isKnown = false
    try {
      const event = await liveEvent(this.#realm, row, source)
      isKnown = true
      return event
    } finally {
      if (!isKnown) events.delete(source)
    }
  }

  changeIn(row: LogRow): ChangeRule | undefined {
    if (rowKindOf(row) !== 'change') return undefined
    const rule = decodeRule(row)
    return rule.kind === 'change' ? rule : undefined
  }
}
