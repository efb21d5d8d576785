import { ChunkedBytes, ChunkedNumbers } from './chunked.ts'
import { ROW_MAX } from './row-table.ts'

/**
 * Rows of tokens by hashes of their names. Each token has a slot, in the order of its row; each of its hashes has an entry, which
 * links to the next older entry of the same hash. So a name that a million tokens bear costs no more than a million names.
 * 10 bytes a token, 4 an entry, about 12 a hash, all outside the JavaScript heap.
 */
export class NameTable {
  /** The low 32 bits of each slot's row, and the others. */
  readonly #lows: ChunkedNumbers = new ChunkedNumbers()
  readonly #highs: ChunkedBytes = new ChunkedBytes()
  readonly #dead: ChunkedBytes = new ChunkedBytes()
  /** Each slot's first entry; its entries end where those of the next slot begin. */
  readonly #firsts: ChunkedNumbers = new ChunkedNumbers()
  /** The next older entry plus one; 0: none. */
  readonly #links: ChunkedNumbers = new ChunkedNumbers()
  readonly #heads: (Heads | undefined)[] = new Array<Heads | undefined>(PARTITIONS)
  #deadCount = 0
  #lastRow = 0

  get live(): number {
    return this.#lows.length - this.#deadCount
  }

  get dead(): number {
    return this.#deadCount
  }

  get bytes(): number {
    let total =
      this.#lows.bytes + this.#highs.bytes + this.#dead.bytes + this.#firsts.bytes + this.#links.bytes
    for (const one of this.#heads)
      total += one === undefined ? 0 : one.keys.byteLength + one.entries.byteLength
    return total
  }

  /** @param row higher than all before it; others are not taken. @param hashes 32 bits each. */
  add(row: number, hashes: ArrayLike<number>): void {
    if (row <= this.#lastRow || row > ROW_MAX) return
    this.#lastRow = row
    this.#lows.push(row % LOW_SPAN)
    this.#highs.push(Math.floor(row / LOW_SPAN))
    this.#dead.push(0)
    this.#firsts.push(this.#links.length)
    for (let at = 0; at < hashes.length; at += 1) {
      const entry = this.#links.length
      this.#links.push(this.#putHead(hashes[at] as number, entry + 1))
    }
  }

  /** Marks a row whose token is gone. */
  forget(row: number): void {
    const slot = this.#slotOfRow(row)
    if (slot === undefined || this.#dead.at(slot) !== 0) return
    this.#dead.set(slot, 1)
    this.#deadCount += 1
  }

  /** The newest entry of a hash plus one; 0: none. */
  newest(hash: number): number {
    const heads = this.#heads[hash >>> REST_BITS]
    return heads === undefined ? 0 : (heads.entries[placeOf(heads, hash)] as number)
  }

  /** The row of an entry, or -1 when its token is gone. */
  rowOf(entry: number): number {
    const slot = lastAtMost(this.#firsts, entry - 1)
    return this.#dead.at(slot) === 0 ? this.#rowAt(slot) : -1
  }

  older(entry: number): number {
    return this.#links.at(entry - 1)
  }

  /** Takes what lies between two entries of a hash out of its list. */
  unlink(from: number, to: number): void {
    this.#links.set(from - 1, to)
  }

  #rowAt(slot: number): number {
    return this.#highs.at(slot) * LOW_SPAN + this.#lows.at(slot)
  }

  #slotOfRow(row: number): number | undefined {
    let [low, high] = [0, this.#lows.length - 1]
    while (low <= high) {
      const middle = (low + high) >>> 1
      const found = this.#rowAt(middle)
      if (found === row) return middle
      if (found < row) low = middle + 1
      else high = middle - 1
    }
    return undefined
  }

  /** @returns what was the newest entry before. */
  #putHead(hash: number, entry: number): number {
    const at = hash >>> REST_BITS
    const heads = roomIn(this.#heads[at])
    this.#heads[at] = heads
    const place = placeOf(heads, hash)
    const before = heads.entries[place] as number
    if (before === 0) heads.count += 1
    heads.keys[place] = hash
    heads.entries[place] = entry
    return before
  }
}

const LOW_SPAN = 2 ** 32
const PARTITION_BITS = 10
const PARTITIONS = 2 ** PARTITION_BITS
const REST_BITS = 32 - PARTITION_BITS
const REST_MASK = 2 ** REST_BITS - 1
const SMALLEST = 8
const LOAD_MAX = 0.8
/** Small partitions grow often, and each of them in microseconds. */
const GROWTH = 1.3

/** The newest entry of each hash whose first bits are those of the partition. */
type Heads = {
  readonly keys: Uint32Array
  /** Entries plus one; 0: the place is empty. */
  readonly entries: Uint32Array
  count: number
}

function placeOf({ keys, entries }: Heads, hash: number): number {
  const { length } = keys
  let place = Math.floor(((hash & REST_MASK) / (REST_MASK + 1)) * length)
  while (entries[place] !== 0 && keys[place] !== hash) place = place + 1 === length ? 0 : place + 1
  return place
}

function roomIn(heads: Heads | undefined): Heads {
  if (heads === undefined) return makeHeads(SMALLEST)
  if (heads.count + 1 <= heads.keys.length * LOAD_MAX) return heads
  const wider = makeHeads(Math.ceil(heads.keys.length * GROWTH) + 1)
  for (let at = 0; at < heads.keys.length; at += 1) {
    const entry = heads.entries[at] as number
    if (entry === 0) continue
    const hash = heads.keys[at] as number
    const place = placeOf(wider, hash)
    wider.keys[place] = hash
    wider.entries[place] = entry
  }
  wider.count = heads.count
  return wider
}

function makeHeads(places: number): Heads {
  return { keys: new Uint32Array(places), entries: new Uint32Array(places), count: 0 }
}

/** The last index whose value is at most this; values rise, and the first one is 0. A slot without entries is passed over. */
function lastAtMost(values: ChunkedNumbers, most: number): number {
  let [low, high] = [0, values.length - 1]
  while (low < high) {
    const middle = (low + high + 1) >>> 1
    if (values.at(middle) <= most) low = middle
    else high = middle - 1
  }
  return low
}
