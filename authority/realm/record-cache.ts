import type { TokenDigest, TokenRecord } from '@rescind/core'
import { sextetsAt } from '@rescind/core/bytes'
import { SINGLE_USE } from '@rescind/core/tokens'

/** Maximum parsed token records of one realm: few enough not to burden the garbage collector. */
export const RECORDS_CACHED_MAX = 65_536
/** Initial slots: an idle realm costs next to nothing. */
const SLOTS_AT_FIRST = 512

/**
 * Caches positive facts about tokens, never verdicts: each token is judged again by the current index. Slots form sets of
 * eight, chosen by the first bits of the digest. The last used record is first in its set, and a new one replaces the last.
 * A Map would intern every digest that is looked up, which costs more than the comparisons here. The slots double when half
 * of them are used, up to the bound.
 */
export class RecordCache {
  #slots: (TokenRecord | undefined)[] = new Array<TokenRecord | undefined>(SLOTS_AT_FIRST)
  /** More bits of each digest: a set's tags fit one line of memory, and only matching slots are read. 0: empty slot. */
  #tags: Uint32Array = new Uint32Array(SLOTS_AT_FIRST)
  #sets = SLOTS_AT_FIRST / SET
  #changes = 0
  #size = 0
  readonly #isShared: boolean

  /** @param isShared whether other processes may extend an assigned text, which writes no row that would tell. */
  constructor(isShared = false) {
    this.#isShared = isShared
  }

  /** Take it before a read; `fill` compares it. */
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

  /** Stores a record, unless a record changed since it was read. Single-use tokens are never stored. */
  fill(record: TokenRecord, changesBefore: number): void {
    if (changesBefore !== this.#changes || SINGLE_USE.has(record.kind)) return
    if (this.#isShared && record.kind === 'assigned') return
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

  /** Each set becomes two, so every record keeps a slot, and the order within sets stays. */
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

  /** Digests are hashes already: three characters give eighteen random bits, and the set number needs at most thirteen. */
  #setOf(digest: TokenDigest): number {
    return (sextetsAt(digest, 0, SET_CHARS) % this.#sets) * SET
  }

  /** @returns a negative number when the digest is not here. */
  #find(start: number, digest: TokenDigest): number {
    const tag = tagOf(digest)
    for (let at = start; at < start + SET; at += 1) {
      if (this.#tags[at] === tag && this.#slots[at]?.digest === digest) return at
    }
    return -1
  }

  /** The first empty slot of a set, or its last one. */
  #room(start: number): number {
    let at = start
    while (at < start + SET - 1 && this.#tags[at] !== 0) at += 1
    return at
  }

  /** Puts a record first in its set; the records before its slot move back by one. */
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

/** Thirty bits behind those that choose the set; never 0. */
function tagOf(digest: TokenDigest): number {
  return sextetsAt(digest, SET_CHARS, TAG_CHARS) + 1
}

const SET_CHARS = 3
const TAG_CHARS = 5
