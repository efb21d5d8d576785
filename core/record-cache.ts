import type { TokenDigest } from './ids.ts'
import { SINGLE_USE, type TokenRecord } from './records.ts'

/** Token records held parsed: few enough that the garbage collector never notices them. */
export const RECORDS_CACHED_MAX = 65_536

/**
 * Positive facts about tokens, never verdicts: each is judged again by the index as it stands. Two generations: what
 * is asked for moves to the young one, and when that is half the cache, the old one is forgotten whole. Deleting the
 * oldest entry of a Map one by one costs more than reading the record.
 */
export class RecordCache {
  #young: Map<TokenDigest, TokenRecord> = new Map()
  #old: Map<TokenDigest, TokenRecord> = new Map()
  #changes = 0

  /** Taken before a read; `fill` compares. */
  get changes(): number {
    return this.#changes
  }

  get size(): number {
    return this.#young.size + this.#old.size
  }

  get(digest: TokenDigest): TokenRecord | undefined {
    const young = this.#young.get(digest)
    if (young !== undefined || this.#old.size === 0) return young
    const old = this.#old.get(digest)
    if (old !== undefined) this.#remember(old)
    return old
  }

  /** What was read before a record changed is not kept; single-use tokens never are. */
  fill(record: TokenRecord, changesBefore: number): void {
    if (changesBefore !== this.#changes || SINGLE_USE.has(record.kind)) return
    this.#remember(record)
  }

  drop(digest: TokenDigest): void {
    this.#changes += 1
    this.#young.delete(digest)
    this.#old.delete(digest)
  }

  #remember(record: TokenRecord): void {
    this.#young.set(record.digest, record)
    if (this.#young.size < RECORDS_CACHED_MAX / 2) return
    this.#old = this.#young
    this.#young = new Map()
  }
}
