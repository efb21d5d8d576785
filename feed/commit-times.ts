import type { Publication } from '@rescind/authority'

/** Rows whose time is remembered. An older row counts as being as old as the oldest of these. */
const ROWS_MAX = 4_096

/** When the last rows of a realm were committed. */
export class CommitTimes {
  readonly #atMs: Float64Array = new Float64Array(ROWS_MAX)
  #first = 0
  #last = 0

  published({ rows }: Publication): void {
    for (const { seq, atMs } of rows) {
      if (seq !== this.#last + 1) this.#first = seq
      this.#atMs[seq % ROWS_MAX] = atMs
      this.#last = seq
    }
    this.#first = Math.max(this.#first, this.#last - ROWS_MAX + 1)
  }

  /** Undefined for a row that was not published here. */
  of(seq: number): number | undefined {
    if (this.#last === 0 || seq > this.#last) return undefined
    return this.#atMs[Math.max(seq, this.#first) % ROWS_MAX]
  }
}
