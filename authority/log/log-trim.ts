import { type ChainedLogRow, decodeRule, type LogRow, type Rule, traitsOf } from '@rescind/core/log'
import type { Realm } from '../realm/realm.ts'
import { KeptSum, keptRows } from './log-anchor.ts'
import { type LogHead, type TrimLog, UPKEEP } from './writes.ts'

/** Maximum rows removed in one step: a flush of some milliseconds, so that nothing waits long behind it. */
export const TRIM_ROWS_MAX = 500
/** Fewer rows are not worth a flush. */
const TRIM_ROWS_MIN = 100
/** Younger rows are never trimmed, even if audits expire sooner, because returning readers of the feed need them. */
export const TRIM_AGE_MIN_MS: number = 7 * 86_400_000
/** How often kept rules are checked for expiry. */
const SWEEP_EVERY_MS = 86_400_000

/** The state of a log's beginning. */
type Begun = {
  readonly anchor: LogHead
  readonly sum: KeptSum
  /** Collections named by kept rows; an export of the realm looks for them. */
  readonly collections: Set<string>
}

export type LogTrimParts = {
  readonly realm: Realm
  readonly auditRetentionMs: number
  readonly rowsMin?: number
}

/**
 * Removes rows whose audit has expired from the beginning of a realm's log. What still matters of them is kept beside the
 * log: epochs, rules that can hit something alive (for revoked assigned texts: for good), and one change per collection. A
 * hold in force, and all rows after it, stay in the log.
 */
export class LogTrim {
  readonly #realm: Realm
  readonly #ageMs: number
  readonly #rowsMin: number
  /** Undefined until it is read, and after a commit with an unknown outcome. */
  #begun: Begun | undefined
  #sweptAtMs = 0
  /** The time of the first remaining row: nothing is read before that row is old enough. */
  #firstAtMs = 0

  constructor({ realm, auditRetentionMs, rowsMin = TRIM_ROWS_MIN }: LogTrimParts) {
    this.#realm = realm
    this.#ageMs = Math.max(auditRetentionMs, TRIM_AGE_MIN_MS)
    this.#rowsMin = rowsMin
  }

  /** Does one step. @returns whether there may be more to do. @throws StoreUnavailable, Overloaded. */
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

  /** Forgets kept rules that can no longer hit anything. @returns whether there may be more of them. */
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
    const outcome = await this.#realm.commit({ realm: ordinal, ...UPKEEP, operations })
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
