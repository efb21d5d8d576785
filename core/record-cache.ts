import type { TokenDigest } from './ids.ts'
import { SINGLE_USE, type TokenRecord } from './records.ts'

/** Token records held parsed: few enough that the garbage collector never notices them. */
export const RECORDS_CACHED_MAX = 16_384

/**
 * Positive facts about tokens, never verdicts: each is judged again by the index as it stands. Filled oldest out; a
 * fill that was read before a record changed is dropped.
 */
export class RecordCache {
  readonly #records: Map<TokenDigest, TokenRecord> = new Map()
  #changes = 0

  /** Taken before a read; `fill` compares. */
  get changes(): number {
    return this.#changes
  }

  get(digest: TokenDigest): TokenRecord | undefined {
    return this.#records.get(digest)
  }

  fill(record: TokenRecord, changesBefore: number): void {
    if (changesBefore !== this.#changes || SINGLE_USE.has(record.kind)) return
    if (this.#records.size >= RECORDS_CACHED_MAX) {
      const oldest = this.#records.keys().next()
      if (!oldest.done) this.#records.delete(oldest.value)
    }
    this.#records.set(record.digest, record)
  }

  drop(digest: TokenDigest): void {
    this.#changes += 1
    this.#records.delete(digest)
  }
}
