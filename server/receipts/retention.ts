import { type Realm, UPKEEP } from '@rescind/authority'

const ROWS_PER_STEP = 500

/**
 * Forgets the audit texts of a realm's rows that are older than the retention, oldest first. The rows, the hashes of
 * their audits and the chain stay, so the log can be checked forever. Age is measured from the floor, so no clock step
 * ends an audit early.
 */
export class AuditRetention {
  readonly #realm: Realm
  readonly #retentionMs: number
  /** Every row up to this seq has lost its audit. */
  #done: number | undefined
  /** When the first row that still has its audit was written; nothing is read until that row is old enough. */
  #keptAtMs = 0

  constructor(realm: Realm, retentionMs: number) {
    this.#realm = realm
    this.#retentionMs = retentionMs
  }

  /** Takes one step. @returns whether there may be more to do. @throws StoreUnavailable, Overloaded. */
  async step(): Promise<boolean> {
    const { store, ordinal, index } = this.#realm
    const before = index.floorMs - this.#retentionMs
    if (this.#keptAtMs > before) return false
    this.#done ??= await this.#firstKept()
    const rows = await store.chainedRowsAfter(ordinal, this.#done, ROWS_PER_STEP)
    const kept = rows.findIndex(({ atMs }) => atMs > before)
    const old = kept < 0 ? rows : rows.slice(0, kept)
    const [first, last] = [old[0], old.at(-1)]
    if (first === undefined || last === undefined) {
      this.#keptAtMs = rows[0]?.atMs ?? 0
      return false
    }
    const operation = { kind: 'forget-audit', fromSeq: first.seq, throughSeq: last.seq } as const
    await this.#realm.commit({ realm: ordinal, ...UPKEEP, operations: [operation] })
    this.#done = last.seq
    return rows.length === ROWS_PER_STEP && kept < 0
  }

  /** Finds the first remaining audit by bisection, because audits go oldest first. @returns the seq before it. */
  async #firstKept(): Promise<number> {
    let [low, high] = [0, this.#realm.index.seq]
    while (low < high) {
      const middle = Math.floor((low + high) / 2)
      const [row] = await this.#realm.store.chainedRowsAfter(this.#realm.ordinal, middle, 1)
      if (row === undefined || row.audit !== undefined) high = middle
      else low = middle + 1
    }
    return low
  }
}
