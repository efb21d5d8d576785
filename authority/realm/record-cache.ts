import type { TokenDigest, TokenRecord } from '@rescind/core'
import { sextetsAt } from '@rescind/core/bytes'
import { SINGLE_USE } from '@rescind/core/tokens'

/** Token records of one realm held parsed: few enough that the garbage collector never notices them. */
export const RECORDS_CACHED_MAX = 65_536
/** Places that a realm has to begin with: one of which nobody asks anything costs next to nothing. */
const SLOTS_AT_FIRST = 512

/**
 * Positive facts about tokens, never verdicts: each is judged again by the index as it stands. Sets of eight places, by
 * the first bits of the digest; the last asked for stands first in its set, and the last in it goes when another comes.
 * A Map would have to intern each digest that is asked for, which costs more than the comparison here. The places are
 * doubled when half of them are taken, up to the bound.
 */
export class RecordCache {
  #slots: (TokenRecord | undefined)[] = new Array<TokenRecord | undefined>(SLOTS_AT_FIRST)
  /** More bits of each digest: a set is searched in one line of memory, and only what fits is looked at. 0: no record. */
  #tags: Uint32Array = new Uint32Array(SLOTS_AT_FIRST)
  #sets = SLOTS_AT_FIRST / SET
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
    const start = this.#setOf(digest)
    const at = this.#find(start, digest)
    if (at < 0) return undefined
    const record = this.#slots[at] as TokenRecord
    if (at > start) this.#toFront(start, at, record)
    return record
  }

  /** What was read before a record changed is not kept; single-use tokens never are. */
  fill(record: TokenRecord, changesBefore: number): void {
    if (changesBefore !== this.#changes || SINGLE_USE.has(record.kind)) return
    if (this.#size * 2 >= this.#tags.length && this.#tags.length < RECORDS_CACHED_MAX) this.#grow()
    const start = this.#setOf(record.digest)
    const found = this.#find(start, record.digest)
    const at = found < 0 ? this.#room(start) : found
    if (this.#tags[at] === 0) this.#size += 1
    this.#toFront(start, at, record)
  }

  drop(digest: TokenDigest): void {
    this.#changes += 1
    const at = this.#find(this.#setOf(digest), digest)
    if (at < 0) return
    this.#slots[at] = undefined
    this.#tags[at] = 0
    this.#size -= 1
  }

  /** Each set becomes two, so everything finds a place again, and in the same order. */
  #grow(): void {
    const slots = this.#slots
    this.#sets *= 2
    this.#slots = new Array<TokenRecord | undefined>(this.#sets * SET)
    this.#tags = new Uint32Array(this.#sets * SET)
    for (let at = slots.length - 1; at >= 0; at -= 1) {
      const record = slots[at]
      if (record === undefined) continue
      const start = this.#setOf(record.digest)
      this.#toFront(start, this.#room(start), record)
    }
  }

  /** Digests are hashes already: three characters hold eighteen random bits, of which thirteen at most number the sets. */
  #setOf(digest: TokenDigest): number {
    return (sextetsAt(digest, 0, SET_CHARS) % this.#sets) * SET
  }

  /** @returns a negative number when it is not here. */
  #find(start: number, digest: TokenDigest): number {
    const tag = tagOf(digest)
    for (let at = start; at < start + SET; at += 1) {
      if (this.#tags[at] === tag && this.#slots[at]?.digest === digest) return at
    }
    return -1
  }

  /** The first empty place of a set, or its last one. */
  #room(start: number): number {
    let at = start
    while (at < start + SET - 1 && this.#tags[at] !== 0) at += 1
    return at
  }

  /** Puts a record first in its set; those before its place move on by one. */
  #toFront(start: number, slot: number, record: TokenRecord): void {
    for (let at = slot; at > start; at -= 1) {
      this.#slots[at] = this.#slots[at - 1]
      this.#tags[at] = this.#tags[at - 1] as number
    }
    this.#slots[start] = record
    this.#tags[start] = tagOf(record.digest)
  }
}

const SET = 8

/** Thirty bits behind those that number the set; never 0. */
function tagOf(digest: TokenDigest): number {
  return sextetsAt(digest, SET_CHARS, TAG_CHARS) + 1
}

const SET_CHARS = 3
const TAG_CHARS = 5
