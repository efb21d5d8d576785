import { type ChainedLogRow, decodeRule, type LogRow, type Rule, traitsOf } from '@rescind/core/log'
import type { Realm } from '../realm/realm.ts'
import { KeptSum, keptRows } from './log-anchor.ts'
import type { LogHead, TrimLog } from './writes.ts'

/** Rows that one step removes: a flush of some milliseconds, behind which nobody waits long. */
export const TRIM_ROWS_MAX = 500
/** Fewer rows are not worth a flush. */
const TRIM_ROWS_MIN = 100
/** Rows younger than this are never trimmed, however short audits are kept: readers of the feed come back for them. */
export const TRIM_AGE_MIN_MS: number = 7 * 86_400_000
/** How often kept rules are looked at for such as are over. */
const SWEEP_EVERY_MS = 86_400_000

/** What is known of a log's beginning. */
type Begun = {
  readonly anchor: LogHead
  readonly sum: KeptSum
  /** Collections that a kept row names: what an export of the realm looks for. */
  readonly collections: Set<string>
}

export type LogTrimParts = {
  readonly realm: Realm
  readonly auditRetentionMs: number
  readonly rowsMin?: number
}

/**
 * Removes rows from the beginning of a realm's log whose audit has expired. What such a row still says is kept beside
 * the log: epochs, rules that can hit something alive (revoked assigned texts: for good), and one change of each
 * collection. A hold that is in force stays in the log, and all that came after it.
 */
export class LogTrim {
  readonly #realm: Realm
  readonly #ageMs: number
  readonly #rowsMin: number
  /** Undefined until it is read, and after a commit of which nobody knows what became. */
  #begun: Begun | undefined
  #sweptAtMs = 0
  /** When the first row that is still there was written: nothing is read before it is old. */
  #firstAtMs = 0

  constructor({ realm, auditRetentionMs, rowsMin = TRIM_ROWS_MIN }: LogTrimParts) {
    this.#realm = realm
    this.#ageMs = Math.max(auditRetentionMs, TRIM_AGE_MIN_MS)
    this.#rowsMin = rowsMin
  }

  /** One step; @returns whether there may be more to do. @throws StoreUnavailable, Overloaded. */
  async step(): Promise<boolean> {
    const gone = await this.#removable()
    const last = gone.at(-1)
    if (last === undefined || gone.length < this.#rowsMin) return this.#sweep()
    const begun = await this.#know()
    const kept = gone.filter((row) => this.#isKept(row, begun.collections))
    for (const row of kept) begun.sum.flip(row)
    const anchor = { seq: last.seq, chain: Buffer.from(last.chain) }
    await this.#commit(begun, anchor, { keep: kept.map(({ seq }) => seq), forget: [] })
    return gone.length === TRIM_ROWS_MAX
  }

  async #removable(): Promise<readonly ChainedLogRow[]> {
    const { store, ordinal, index } = this.#realm
    const before = this.#realm.durableFloorMs - this.#ageMs
    if (this.#firstAtMs > before) return []
    const { seq } = this.#begun?.anchor ?? (await store.anchor(ordinal))
    const [first] = await store.chainedRowsAfter(ordinal, seq, 1)
    this.#firstAtMs = first?.atMs ?? 0
    if (first === undefined || !this.#isOver(first)) return []
    const rows = await store.chainedRowsAfter(ordinal, seq, TRIM_ROWS_MAX)
    const stays = rows.findIndex((row) => row.seq >= index.seq || !this.#isOver(row))
    return stays < 0 ? rows : rows.slice(0, stays)
  }

  #isOver(row: ChainedLogRow): boolean {
    const { index, durableFloorMs } = this.#realm
    if (row.audit !== undefined || row.atMs > durableFloorMs - this.#ageMs) return false
    const rule = decodeRule(row)
    const hold = traitsOf(rule).holdOf(rule)
    return hold === undefined || index.holds.positionOf(hold) === undefined
  }

  #isKept(row: LogRow, collections: Set<string>): boolean {
    const rule = decodeRule(row)
    if (this.#keptUntilMs(row, rule) > this.#realm.durableFloorMs) return true
    const collection = traitsOf(rule).collectionOf(rule)
    if (collection === undefined || collections.has(collection)) return false
    collections.add(collection)
    return true
  }

  #keptUntilMs(row: LogRow, rule: Rule): number {
    return rule.kind === 'revoke'
      ? this.#realm.index.keptUntilMs(row, rule)
      : traitsOf(rule).keptUntilMs(rule)
  }

  /** Forgets kept rules that can hit nothing any more; @returns whether there may be more of them. */
  async #sweep(): Promise<boolean> {
    const { store, ordinal } = this.#realm
    if (this.#realm.durableFloorMs - this.#sweptAtMs < SWEEP_EVERY_MS) return false
    const over: LogRow[] = []
    for await (const row of keptRows(store, ordinal)) {
      const rule = decodeRule(row)
      if (
        traitsOf(rule).collectionOf(rule) === undefined &&
        this.#keptUntilMs(row, rule) <= this.#realm.durableFloorMs
      )
        over.push(row)
      if (over.length === TRIM_ROWS_MAX) break
    }
    if (over.length > 0) {
      const begun = await this.#know()
      for (const row of over) begun.sum.flip(row)
      await this.#commit(begun, begun.anchor, { keep: [], forget: over.map(({ seq }) => seq) })
    }
    if (over.length === TRIM_ROWS_MAX) return true
    this.#sweptAtMs = this.#realm.durableFloorMs
    return false
  }

  async #commit(
    { sum, collections }: Begun,
    anchor: LogHead,
    rows: Pick<TrimLog, 'keep' | 'forget'>,
  ): Promise<void> {
    const { ordinal } = this.#realm
    this.#begun = undefined
    const operations = [
      { kind: 'trim-log', throughSeq: anchor.seq, ...rows },
      { kind: 'put-expiring', entry: sum.entry(anchor) },
    ] as const
    const outcome = await this.#realm.commit({ realm: ordinal, dependsOn: [], expects: [], operations })
    if (outcome.kind === 'applied') this.#begun = { anchor, sum, collections }
  }

  async #know(): Promise<Begun> {
    if (this.#begun !== undefined) return this.#begun
    const { store, ordinal, keys } = this.#realm
    const anchor = await store.anchor(ordinal)
    const sum = new KeptSum(keys.sealKey)
    const collections = new Set<string>()
    for await (const row of keptRows(store, ordinal)) {
      sum.flip(row)
      const rule = decodeRule(row)
      const collection = traitsOf(rule).collectionOf(rule)
      if (collection !== undefined) collections.add(collection)
    }
    return { anchor, sum, collections }
  }
}
