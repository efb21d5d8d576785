import type { TokenDigest } from './ids.ts'
import { SINGLE_USE, type TokenRecord } from './records.ts'
import { sextetAt } from './sextets.ts'

/** Token records held parsed: few enough that the garbage collector never notices them. */
export const RECORDS_CACHED_MAX = 65_536

/**
 * Positive facts about tokens, never verdicts: each is judged again by the index as it stands. Sets of four places, by
 * the first bits of the digest; the last asked for stands first in its set, and the last in it goes when another comes.
 * A Map would have to intern each digest that is asked for, which costs more than the comparison here.
 */
export class RecordCache {
  readonly #places: (TokenRecord | undefined)[] = new Array<TokenRecord | undefined>(RECORDS_CACHED_MAX)
  #changes = 0
  #size = 0

  /** Taken before a read; `fill` compares. */
  get changes(): number {
    return this.#changes
  }

  get size(): number {
    return this.#size
  }

  get(digest: TokenDigest): TokenRecord | undefined {
    const start = setOf(digest)
    for (let at = start; at < start + SET; at += 1) {
      const record = this.#places[at]
      if (record === undefined || record.digest !== digest) continue
      this.#toFront(start, at, record)
      return record
    }
    return undefined
  }

  /** What was read before a record changed is not kept; single-use tokens never are. */
  fill(record: TokenRecord, changesBefore: number): void {
    if (changesBefore !== this.#changes || SINGLE_USE.has(record.kind)) return
    const start = setOf(record.digest)
    let at = start
    while (at < start + SET - 1 && this.#places[at]?.digest !== record.digest) at += 1
    if (this.#places[at] === undefined) this.#size += 1
    this.#toFront(start, at, record)
  }

  drop(digest: TokenDigest): void {
    this.#changes += 1
    const start = setOf(digest)
    for (let at = start; at < start + SET; at += 1) {
      if (this.#places[at]?.digest !== digest) continue
      this.#places[at] = undefined
      this.#size -= 1
    }
  }

  /** Puts a record first in its set; those before its place move on by one. */
  #toFront(start: number, place: number, record: TokenRecord): void {
    for (let at = place; at > start; at -= 1) this.#places[at] = this.#places[at - 1]
    this.#places[start] = record
  }
}

const SET = 4
const SETS = RECORDS_CACHED_MAX / SET

/** Digests are hashes already: three characters hold eighteen random bits, of which fourteen number the sets. */
function setOf(digest: TokenDigest): number {
  let bits = 0
  for (let at = 0; at < SET_CHARS; at += 1) bits = (bits << 6) | sextetAt(digest, at)
  return (bits % SETS) * SET
}

const SET_CHARS = 3
