import {
  ContractBroken,
  cutoffCount,
  PARTITIONS,
  type RealmOrdinal,
  type RevocationIndex,
} from '@rescind/core'
import type { LogRow } from '@rescind/core/log'
import type { Realm } from '../realm/realm.ts'
import { FreshFold, type Slice } from './fresh-fold.ts'
import { compare, type Differences } from './index-compare.ts'
import type { Ledger } from './ledger.ts'

export type Differing = {
  /** Yields to other work; called after each piece of a few milliseconds. */
  readonly rest: () => Promise<void>
  readonly goesOn: () => boolean
}

/** Rows read at once; with folding them, a few milliseconds. */
const PAGE = 500
/** Distance to the log's end from which new rows are collected, until reading meets them. */
const FOLLOW_ROWS = 5_000
/** Keys folded beside the index at a time; an eighth of a large index. */
const SLICE_KEYS = 250_000
const SLICES_MAX = 8
/** The memory of one cutoff, in keys. */
const KEYS_PER_CUTOFF = 8

/**
 * Folds a log again, slice by slice, and compares it with the index that answers. Only this check notices damage in memory
 * and entries that leave too early. It only reads, through the shared store, one realm at a time.
 */
export class IndexDiffer {
  readonly #ledger: Ledger
  readonly #sliceKeys: number
  /** The realm being checked, and its new rows since reading came near the end of its log. */
  #followed: { readonly realm: RealmOrdinal; readonly rows: LogRow[] } | undefined

  constructor(ledger: Ledger, sliceKeys: number = SLICE_KEYS) {
    this.#ledger = ledger
    this.#sliceKeys = sliceKeys
    ledger.onRow((realm, row) => {
      if (this.#followed?.realm === realm) this.#followed.rows.push(row)
    })
  }

  /**
   * @returns undefined when it did not finish: it was stopped, or the realm was put out of order.
   * @throws StoreUnavailable. @throws ContractBroken when a row of the log is missing or cannot be understood.
   */
  async run(realm: Realm, how: Differing): Promise<Differences | undefined> {
    const found: Differences = { missing: 0, short: 0, unexplained: 0 }
    const { seq } = await realm.store.anchor(realm.ordinal)
    for (const slice of slicesOf(realm.index, realm.index.seq - seq, this.#sliceKeys)) {
      try {
        if (!(await this.#slice({ realm, slice, how, found }))) return undefined
      } finally {
        this.#followed = undefined
      }
    }
    return found
  }

  async #slice({ realm, slice, how, found }: OfSlice): Promise<boolean> {
    const { index, ordinal, store } = realm
    const fold = new FreshFold(index, slice)
    while (!this.#isLevel(realm, fold)) {
      if (!this.#goesOn(realm, how)) return false
      await this.#read(realm, fold)
      await how.rest()
    }
    const { seq: anchorSeq } = await store.anchor(ordinal)
    if (!this.#goesOn(realm, how) || !this.#isLevel(realm, fold)) return false
    for (const _piece of compare({ fold, index, anchorSeq, found })) {
      await how.rest()
      // No await may come between this check and the next piece.
      if (!this.#goesOn(realm, how) || !this.#isLevel(realm, fold)) return false
    }
    return true
  }

  /** Reads and folds one more page. */
  async #read({ store, ordinal, index }: Realm, fold: FreshFold): Promise<void> {
    if (this.#followed === undefined && index.seq - fold.seq <= FOLLOW_ROWS)
      this.#followed = { realm: ordinal, rows: [] }
    const anchor = await store.anchor(ordinal)
    if (fold.seq < anchor.seq) {
      const kept = await store.keptRows(ordinal, fold.seq, PAGE)
      for (const row of kept) fold.fold(row)
      if (kept.length < PAGE) fold.passTo(anchor.seq)
      return
    }
    const [due, headSeq] = [fold.seq + 1, index.seq]
    const rows = await store.rowsAfter(ordinal, fold.seq, PAGE)
    // The page need not hold rows committed after it was read.
    if (rows[0]?.seq !== due && headSeq >= due) {
      // It was trimmed after the anchor was read: the next page begins with its kept rows.
      if ((await store.anchor(ordinal)).seq >= due) return
      throw new ContractBroken(`row ${due} is missing in the log`)
    }
    // Rows that the index has not folded yet arrive as new rows.
    for (const row of rows) if (row.seq <= index.seq) fold.fold(row)
  }

  /** Folds the collected new rows. @returns whether the fold is at the same row as the index. */
  #isLevel({ index }: Realm, fold: FreshFold): boolean {
    if (this.#followed === undefined) return false
    const { rows } = this.#followed
    let taken = 0
    for (const row of rows) {
      if (row.seq > fold.seq + 1) break
      if (row.seq > fold.seq) fold.fold(row)
      taken += 1
    }
    rows.splice(0, taken)
    return fold.seq === index.seq
  }

  #goesOn({ ordinal }: Realm, { goesOn }: Differing): boolean {
    return goesOn() && !this.#ledger.broken && !this.#ledger.isSuspended(ordinal)
  }
}

type OfSlice = {
  readonly realm: Realm
  readonly slice: Slice
  readonly how: Differing
  readonly found: Differences
}

/** Also counts what the log can hold: an index that lost half of its keys must not make the slices larger. */
function slicesOf(index: RevocationIndex, rows: number, sliceKeys: number): readonly Slice[] {
  const keys = Math.max(index.ended.size, 2 * rows) + KEYS_PER_CUTOFF * cutoffCount(index)
  const count = Math.min(SLICES_MAX, Math.max(1, Math.ceil(keys / sliceKeys)))
  const width = Math.ceil(PARTITIONS / count)
  return Array.from({ length: count }, (_, nth) => ({
    from: nth * width,
    to: Math.min(PARTITIONS, (nth + 1) * width),
  }))
}
