import { KEEP_FOREVER_MS } from '../lifetimes.ts'
import type { IndexKey } from '../log/index-keys.ts'
import type { Position } from '../position.ts'
import type { ForeignFacts } from '../records.ts'
import { type Removals, SLICES, uncounted } from './key-table.ts'

/**
 * The cutoff of one key: the highest plain one, and one dated one with the highest `issuedBefore` and the highest position.
 * A token is hit if either hits, so a later, lower request never weakens an earlier one.
 */
export type Cutoff = {
  readonly plain: Position
  readonly plainAtMs: number
  readonly datedBeforeMs: number
  readonly dated: Position
  /** The latest login of foreign tokens that is cut off; 0: none. */
  readonly authenticatedMs: number
  readonly keepUntilMs: number
}

/** Whether a cutoff hits a token of ours: by its position and, for a dated cutoff, by its instant too. */
export function cutoffHits(cutoff: Cutoff, issuedAt: Position, issuedAtMs: number): boolean {
  return issuedAt < cutoff.plain || (issuedAt < cutoff.dated && issuedAtMs < cutoff.datedBeforeMs)
}

/**
 * Cutoffs of one shape by key, in typed arrays, so that a million of them cost the garbage collector nothing. They are split
 * into parts that grow and are cleared one at a time, so that no request waits for all. A part is made with its first key.
 */
export class CutoffTable {
  readonly #removals: Removals
  readonly #parts: (Part | undefined)[] = Array.from({ length: PARTS }, () => undefined)
  #size = 0

  constructor(removals: Removals = uncounted()) {
    this.#removals = removals
  }

  /** Keys that are never dropped. */
  get forGood(): number {
    return this.#parts.reduce((total, part) => total + (part?.forGood ?? 0), 0)
  }

  get size(): number {
    return this.#size
  }

  get(key: IndexKey): Cutoff | undefined {
    return this.#partOf(key)?.get(key)
  }

  /** Hot path: the same as `get` and `cutoffHits`, without an object. */
  hits(key: IndexKey, issuedAt: Position, issuedAtMs: number): boolean {
    return this.#partOf(key)?.hits(key, issuedAt, issuedAtMs) === true
  }

  /**
   * Whether a cutoff hits a token of a foreign issuer: by the issuer's own times plus its skew, compared with the cutoff's time
   * or a dated cutoff's instant. Every cutoff hits a token that does not say when it was issued.
   */
  hitsForeign(key: IndexKey, issuedAtMs: number | undefined, foreign: ForeignFacts): boolean {
    return this.#partOf(key)?.hitsForeign(key, issuedAtMs, foreign) === true
  }

  /** Only moves forward: every slot keeps the higher of its value and the new one. */
  raise(key: IndexKey, cutoff: Cutoff): void {
    const at = partAt(key)
    const part = this.#parts[at] ?? new Part()
    this.#parts[at] = part
    const before = part.size
    part.raise(key, cutoff)
    this.#size += part.size - before
  }

  /** Every key present now, with its cutoff. The walk may or may not include keys that come meanwhile; it skips none. */
  entries(): Iterable<readonly [IndexKey, Cutoff]> {
    return walk(this.#parts.flatMap((part) => (part === undefined ? [] : [part.slots])))
  }

  /** @param slice which of the `SLICES` slices to visit; absent: all. */
  dropExpired(floorMs: number, slice?: number): void {
    for (
      let at = slice === undefined ? 0 : slice % SLICES;
      at < PARTS;
      at += slice === undefined ? 1 : SLICES
    ) {
      const part = this.#parts[at]
      if (part === undefined) continue
      const before = part.size
      this.#removals.early += part.dropExpired(floorMs, this.#removals.floorMs)
      this.#size += part.size - before
      if (part.size === 0) this.#parts[at] = undefined
    }
  }

  #partOf(key: IndexKey): Part | undefined {
    return this.#parts[partAt(key)]
  }
}

/** By the last byte of a key; the first ones decide its slot within the part. */
function partAt(key: IndexKey): number {
  return key.charCodeAt(KEY_WORDS * 4 - 1) % PARTS
}

/** A part's current arrays. When the part needs others it replaces these and leaves them unchanged. */
type Slots = { readonly words: Uint32Array; readonly values: Float64Array }

function* walk(parts: readonly Slots[]): Generator<readonly [IndexKey, Cutoff]> {
  for (const { words, values } of parts)
    for (let slot = 0; slot * VALUES < values.length; slot += 1)
      if (values[slot * VALUES + KEEP] !== 0)
        yield [keyOfWords(words, slot * KEY_WORDS), cutoffAt(values, slot)]
}

function cutoffAt(values: Float64Array, slot: number): Cutoff {
  const [plain, plainAtMs, datedBeforeMs, dated, keepUntilMs, authenticatedMs] = values.subarray(
    slot * VALUES,
    (slot + 1) * VALUES,
  ) as unknown as [Position, number, number, Position, number, number]
  return { plain, plainAtMs, datedBeforeMs, dated, authenticatedMs, keepUntilMs }
}

/** One part of the cutoffs, with open addressing. */
class Part {
  #words: Uint32Array = new Uint32Array(SMALLEST * KEY_WORDS)
  #values: Float64Array = new Float64Array(SMALLEST * VALUES)
  #capacity = SMALLEST
  #size = 0
  #forGood = 0

  get forGood(): number {
    return this.#forGood
  }

  get size(): number {
    return this.#size
  }

  get(key: IndexKey): Cutoff | undefined {
    const slot = this.#slotOf(key)
    return this.#used(slot) ? cutoffAt(this.#values, slot) : undefined
  }

  /** The arrays as they are now. */
  get slots(): Slots {
    return { words: this.#words, values: this.#values }
  }

  hits(key: IndexKey, issuedAt: Position, issuedAtMs: number): boolean {
    const slot = this.#slotOf(key)
    const at = slot * VALUES
    const values = this.#values
    if (values[at + KEEP] === 0) return false
    if (issuedAt < (values[at + PLAIN] as number)) return true
    return issuedAt < (values[at + DATED] as number) && issuedAtMs < (values[at + DATED_BEFORE] as number)
  }

  hitsForeign(key: IndexKey, issuedAtMs: number | undefined, foreign: ForeignFacts): boolean {
    const at = this.#slotOf(key) * VALUES
    const values = this.#values
    if (values[at + KEEP] === 0) return false
    const { skewMs, authenticatedAtMs } = foreign
    if (values[at + PLAIN] !== 0 || values[at + DATED] !== 0) {
      const cutoffMs = Math.max(values[at + PLAIN_AT] as number, values[at + DATED_BEFORE] as number)
      if (issuedAtMs === undefined || issuedAtMs <= cutoffMs + skewMs) return true
    }
    const loginMs = values[at + AUTHENTICATED] as number
    return loginMs !== 0 && (authenticatedAtMs === undefined || authenticatedAtMs <= loginMs + skewMs)
  }

  raise(key: IndexKey, cutoff: Cutoff): void {
    if ((this.#size + 1) * 10 > this.#capacity * 7) this.#grow()
    const slot = this.#slotOf(key)
    if (!this.#used(slot)) {
      this.#writeKey(slot, key)
      this.#size += 1
    }
    const at = slot * VALUES
    const isForGood = cutoff.keepUntilMs >= KEEP_FOREVER_MS
    if (isForGood && (this.#values[at + KEEP] as number) < KEEP_FOREVER_MS) this.#forGood += 1
    this.#raiseValue(at + PLAIN, cutoff.plain)
    this.#raiseValue(at + PLAIN_AT, cutoff.plainAtMs)
    this.#raiseValue(at + DATED_BEFORE, cutoff.datedBeforeMs)
    this.#raiseValue(at + DATED, cutoff.dated)
    this.#raiseValue(at + KEEP, cutoff.keepUntilMs)
    this.#raiseValue(at + AUTHENTICATED, cutoff.authenticatedMs)
  }

  /** @returns how many dropped entries should still have been kept at `dueMs`. */
  dropExpired(floorMs: number, dueMs: number): number {
    if (!this.#anyExpired(floorMs)) return 0
    const before = this.#keptAbove(dueMs)
    this.#rebuild(this.#capacity, floorMs)
    return before - this.#keptAbove(dueMs)
  }

  #keptAbove(floorMs: number): number {
    let count = 0
    for (let at = KEEP; at < this.#values.length; at += VALUES)
      if ((this.#values[at] as number) > floorMs) count += 1
    return count
  }

  #anyExpired(floorMs: number): boolean {
    for (let at = KEEP; at < this.#values.length; at += VALUES) {
      const keep = this.#values[at] as number
      if (keep !== 0 && keep <= floorMs) return true
    }
    return false
  }

  #grow(): void {
    this.#rebuild(this.#capacity * 2, 0)
  }

  #rebuild(capacity: number, floorMs: number): void {
    const [words, values] = [this.#words, this.#values]
    const slots = this.#capacity
    this.#words = new Uint32Array(capacity * KEY_WORDS)
    this.#values = new Float64Array(capacity * VALUES)
    this.#capacity = capacity
    this.#size = 0
    for (let slot = 0; slot < slots; slot += 1) {
      const keep = values[slot * VALUES + KEEP] as number
      if (keep === 0 || keep <= floorMs) continue
      let to = (words[slot * KEY_WORDS] as number) % capacity
      while (this.#used(to)) to = (to + 1) % capacity
      this.#words.set(words.subarray(slot * KEY_WORDS, (slot + 1) * KEY_WORDS), to * KEY_WORDS)
      this.#values.set(values.subarray(slot * VALUES, (slot + 1) * VALUES), to * VALUES)
      this.#size += 1
    }
  }

  #slotOf(key: IndexKey): number {
    let slot = wordOf(key, 0) % this.#capacity
    while (this.#used(slot) && !this.#isKey(slot, key)) slot = (slot + 1) % this.#capacity
    return slot
  }

  /** Every cutoff is kept until after 1970, so a keep of 0 marks an empty slot. */
  #used(slot: number): boolean {
    return this.#values[slot * VALUES + KEEP] !== 0
  }

  #isKey(slot: number, key: IndexKey): boolean {
    const at = slot * KEY_WORDS
    for (let word = 0; word < KEY_WORDS; word += 1) {
      if (this.#words[at + word] !== wordOf(key, word)) return false
    }
    return true
  }

  #writeKey(slot: number, key: IndexKey): void {
    for (let word = 0; word < KEY_WORDS; word += 1) this.#words[slot * KEY_WORDS + word] = wordOf(key, word)
  }

  #raiseValue(at: number, value: number): void {
    if (value > (this.#values[at] as number)) this.#values[at] = value
  }
}

const PARTS = 64
const SMALLEST = 16
const KEY_WORDS = 4
const VALUES = 6
const PLAIN = 0
const PLAIN_AT = 1
const DATED_BEFORE = 2
const DATED = 3
const KEEP = 4
const AUTHENTICATED = 5

function wordOf(key: IndexKey, word: number): number {
  const at = word * 4
  const high = (key.charCodeAt(at) << 24) | (key.charCodeAt(at + 1) << 16)
  return (high | (key.charCodeAt(at + 2) << 8) | key.charCodeAt(at + 3)) >>> 0
}

function keyOfWords(words: Uint32Array, at: number): IndexKey {
  let key = ''
  for (let word = 0; word < KEY_WORDS; word += 1) {
    const bits = words[at + word] as number
    key += String.fromCharCode(bits >>> 24, (bits >>> 16) & 255, (bits >>> 8) & 255, bits & 255)
  }
  // The inverse of `wordOf`: sixteen one-byte characters.
  return key as IndexKey
}
