import type { RealmOrdinal } from '@rescind/core'
import type { ChainedLogRow } from '@rescind/core/log'

/** Bytes of rows that are kept; each counts as its rule and audit, and some more for the rest. */
const RECENT_MAX_BYTES = 16_777_216
const ROW_BYTES = 200
/** Rows that have left the queue before it is made shorter. */
const COMPACT_ROWS = 1_024

type Recent = { readonly realm: RealmOrdinal; readonly row: ChainedLogRow; readonly bytes: number }

/**
 * The rows that this process has folded last, of all realms. Should the server of the store be lost, its standby may lack the
 * end of a log; what the nodes remember of it is joined with the log of the new epoch.
 */
export class RecentRows {
  readonly #maxBytes: number
  #queue: Recent[] = []
  /** Where the queue begins. */
  #from = 0
  #bytes = 0

  constructor(maxBytes: number = RECENT_MAX_BYTES) {
    this.#maxBytes = maxBytes
  }

  add(realm: RealmOrdinal, row: ChainedLogRow): void {
    const bytes = ROW_BYTES + row.rule.length + (row.audit?.length ?? 0)
    this.#queue.push({ realm, row, bytes })
    this.#bytes += bytes
    while (this.#bytes > this.#maxBytes) {
      this.#bytes -= this.#queue[this.#from]?.bytes ?? 0
      this.#from += 1
    }
    if (this.#from < COMPACT_ROWS || this.#from * 2 < this.#queue.length) return
    this.#queue = this.#queue.slice(this.#from)
    this.#from = 0
  }

  /** Rows of a realm after this one, in order. The first of them may have left. */
  after(realm: RealmOrdinal, seq: number): readonly ChainedLogRow[] {
    const rows: ChainedLogRow[] = []
    for (let at = this.#from; at < this.#queue.length; at += 1) {
      const recent = this.#queue[at]
      if (recent?.realm === realm && recent.row.seq > seq) rows.push(recent.row)
    }
    return rows
  }
}
