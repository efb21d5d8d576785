import type { Realm } from '@rescind/authority'
import { isOutage } from '@rescind/core'
import { type LogRow, rowKindOf } from '@rescind/core/log'
import { nextTurn } from '../../../machine/turns.ts'
import { SlotCounts } from './slot-counts.ts'

const SECOND_MS = 1_000
const MINUTE_MS = 60_000
const QUARTER_MS = 900_000
const DAY_MS = 86_400_000
/** Rows of the past that are read once for a realm. A realm with more of them in a day has incomplete counts for a day. */
const ROWS_MAX = 200_000
const ROWS_PER_READ = 1_000

/** A number, and since when it was counted. */
export type Counted = {
  readonly windowSeconds: number
  readonly sinceMs: number
  readonly count: number
  readonly complete: boolean
}

/**
 * How many rules that end something a realm's log got lately. Rows of every node are told here as they are folded, so the counts are
 * the cluster's. Those from before it began are read from the store, once.
 */
export class RecentRules {
  readonly #realm: Realm
  readonly #windows: readonly SlotCounts[] = [
    new SlotCounts(60, SECOND_MS),
    new SlotCounts(60, MINUTE_MS),
    new SlotCounts(96, QUARTER_MS),
  ]
  /** Rows up to here are read from the store; later ones are told. */
  readonly #beginSeq: number
  /** The last row that is still to be read; undefined: no more are needed. */
  #next: number | undefined
  #isReading = false
  /** All rows from here on are counted. */
  #coveredFromMs: number

  constructor(realm: Realm) {
    this.#realm = realm
    this.#beginSeq = realm.index.seq
    this.#next = this.#beginSeq
    this.#coveredFromMs = realm.nowMs()
  }

  /**
   * Counts the rows from before it began. Resolves once the newest of them were; the older ones follow, also after an outage, when
   * this is called again. @throws StoreUnavailable.
   */
  async catchUp(): Promise<void> {
    if (this.#isReading || this.#next === undefined) return
    this.#isReading = true
    try {
      await this.#readPage()
    } finally {
      this.#isReading = false
    }
    void this.#readRest()
  }

  told(row: LogRow): void {
    if (row.seq > this.#beginSeq) this.#add(row)
  }

  read(nowMs: number): readonly Counted[] {
    return this.#windows.map((window) => {
      const { sinceMs, count } = window.read(nowMs)
      return {
        windowSeconds: window.spanMs / 1_000,
        sinceMs,
        count,
        complete: this.#coveredFromMs <= sinceMs,
      }
    })
  }

  #add({ kind, atMs }: Pick<LogRow, 'kind' | 'atMs'>): void {
    if (rowKindOf({ kind }) !== 'revoke') return
    for (const window of this.#windows) window.add(atMs)
  }

  /** Never rejects: what an outage leaves out is read by the next call. */
  async #readRest(): Promise<void> {
    if (this.#isReading) return
    this.#isReading = true
    try {
      while (this.#next !== undefined && this.#beginSeq - this.#next < ROWS_MAX) {
        await nextTurn()
        await this.#readPage()
      }
      this.#next = undefined
    } catch (error) {
      if (!isOutage(error)) throw error
    } finally {
      this.#isReading = false
    }
  }

  async #readPage(): Promise<void> {
    const { store, ordinal } = this.#realm
    const last = this.#next ?? 0
    const { seq: anchor } = await store.anchor(ordinal)
    const after = Math.max(anchor, last - ROWS_PER_READ)
    const rows = last > after ? await store.rowsAfter(ordinal, after, last - after) : []
    for (const row of rows) this.#add(row)
    this.#coveredFromMs = Math.min(this.#coveredFromMs, rows[0]?.atMs ?? this.#coveredFromMs)
    const isOld = this.#coveredFromMs < this.#realm.nowMs() - DAY_MS - QUARTER_MS
    this.#next = isOld || after <= anchor ? undefined : after
    // Before the first row there was nothing. What was trimmed is not known.
    if (after === 0) this.#coveredFromMs = Number.NEGATIVE_INFINITY
  }
}
