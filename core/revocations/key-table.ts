import { sextetAt, sextetsAt } from '../bytes/sextets.ts'
import { ContractBroken } from '../faults.ts'
import type { TokenDigest } from '../ids.ts'
import type { IndexKey } from '../log/index-keys.ts'

/**
 * A set of 128-bit keys, each with the time until which it must be kept, at 20 to 24 bytes a key and outside the
 * JavaScript heap. A check probes one short run, whether the table holds no keys or ten million.
 *
 * The first ten bits of a key choose its partition, in which keys are sorted by their second word. A miss ends at the first
 * larger word, so partitions may be 90 % full, and growing one moves only a thousandth of the keys.
 */
export class KeyTable {
  readonly #removals: Removals
  readonly #partitions: (Partition | undefined)[] = new Array<Partition | undefined>(PARTITIONS)
  #size = 0
  #forGood = 0
  #firstCapacity = SMALLEST

  constructor(removals: Removals = uncounted()) {
    this.#removals = removals
  }

  /** @throws ContractBroken while it is being filled. */
  get size(): number {
    if (this.#size === FILLING) this.#hasNone()
    return this.#size
  }

  /** Keys that are never dropped. */
  get forGood(): number {
    return this.#forGood
  }

  get isFilling(): boolean {
    return this.#size === FILLING
  }

  has(key: IndexKey): boolean {
    if (this.#size <= 0) return this.#hasNone()
    loadKey(key)
    const partition = this.#partitions[k0 >>> PARTITION_SHIFT]
    return partition !== undefined && find(partition) >= 0
  }

  /** The same for a token digest, which is its own key; read from its text. */
  hasDigest(digest: TokenDigest): boolean {
    if (this.#size <= 0) return this.#hasNone()
    loadDigest(digest)
    const partition = this.#partitions[k0 >>> PARTITION_SHIFT]
    return partition !== undefined && find(partition) >= 0
  }

  /**
   * Until `endFill`, keys are taken as they come, and sorted at the end, one partition at a time: finding each key's place at
   * once would wait for memory twice a key. The table cannot be queried meanwhile.
   * @param keys about how many will come. @throws ContractBroken when the table has keys.
   */
  beginFill(keys: number): void {
    if (this.#size !== 0) throw new ContractBroken('a table is filled once, when it is empty')
    this.#firstCapacity = capacityFor(keys / PARTITIONS)
    this.#size = FILLING
  }

  /** @throws ContractBroken without `beginFill`. */
  endFill(): void {
    if (this.#size !== FILLING) throw new ContractBroken('a table that is not being filled')
    let size = 0
    let forGood = 0
    const most = this.#partitions.reduce((found, one) => Math.max(found, one?.keeps.length ?? 0), 0)
    const scratch = makePartition(most)
    for (let at = 0; at < PARTITIONS; at += 1) {
      const partition = this.#partitions[at]
      if (partition === undefined) continue
      const ordered = inOrder(partition, scratch)
      this.#partitions[at] = ordered
      size += ordered.count
      for (const keep of ordered.keeps) if (keep === KEEP_FOREVER) forGood += 1
    }
    this.#forGood = forGood
    this.#firstCapacity = SMALLEST
    // Last: if sorting fails, the table stays one that refuses queries.
    this.#size = size
  }

  /** @throws ContractBroken: a table that is being filled must not look empty. */
  #hasNone(): false {
    if (this.#size === FILLING) throw new ContractBroken('a table was asked while it was filled')
    return false
  }

  /**
   * Adds a key, or extends how long it is kept. Times are only ever rounded up.
   * @returns false when the key was already kept for good.
   */
  add(key: IndexKey, keepUntilMs: number): boolean {
    loadKey(key)
    return this.#addUnits(keepUnits(keepUntilMs))
  }

  /** The same for a key at an offset in bytes. */
  addBytes(bytes: Uint8Array, at: number, keepUntilMs: number): void {
    loadBytes(bytes, at)
    this.#addUnits(keepUnits(keepUntilMs))
  }

  #addUnits(keep: number): boolean {
    const at = k0 >>> PARTITION_SHIFT
    const partition = this.#partitions[at] ?? makePartition(this.#firstCapacity)
    if (this.#size === FILLING) {
      this.#partitions[at] = appended(partition, keep)
      return true
    }
    const { count } = partition
    const after = added(partition, keep)
    this.#partitions[at] = after
    this.#size += after.count - count
    if (before === KEEP_FOREVER) return false
    if (keep === KEEP_FOREVER) this.#forGood += 1
    return true
  }

  /** Drops keys that expired by this time; one slice of the partitions per call, so that no request waits long. */
  dropExpired(floorMs: number, slice: number): void {
    if (this.#size <= 0) {
      this.#hasNone()
      return
    }
    const below = Math.floor((floorMs - KEEP_ORIGIN_MS) / KEEP_UNIT_MS)
    for (let at = slice % SLICES; at < PARTITIONS; at += SLICES) {
      const partition = this.#partitions[at]
      if (partition === undefined || !hasExpired(partition, below)) continue
      const kept = rebuilt(partition, partition.capacity, below)
      this.#size -= partition.count - kept.count
      const fitting = capacityFor(kept.count)
      const left = fitting < kept.capacity ? rebuilt(kept, fitting, 0) : kept
      this.#partitions[at] = left
      const { floorMs: dueMs } = this.#removals
      this.#removals.early += keptAbove(partition, dueMs) - keptAbove(left, dueMs)
    }
  }

  /** Visits every key of some partitions. Snapshots are made with it, a few partitions at a time. */
  visit(from: number, to: number, visitor: KeyVisitor): void {
    if (this.#size <= 0) {
      this.#hasNone()
      return
    }
    for (let at = from; at < Math.min(to, PARTITIONS); at += 1) {
      const partition = this.#partitions[at]
      if (partition === undefined) continue
      const { words, keeps } = partition
      for (let slot = 0; slot < keeps.length; slot += 1) {
        if (keeps[slot] !== 0) visitor(words, slot * WORDS, keeps[slot] as number)
      }
    }
  }

  /** Adds a key as `visit` passed it. */
  addWords(words: Uint32Array, at: number, keep: number): void {
    loadWords(words, at)
    this.#addUnits(keep)
  }

  /** How long a key given as words is kept, in this table's own units; 0: it is not here. */
  keepOfWords(words: Uint32Array, at: number): number {
    if (this.#size <= 0) return this.#hasNone() ? 1 : 0
    loadWords(words, at)
    const partition = this.#partitions[k0 >>> PARTITION_SHIFT]
    const slot = partition === undefined ? -1 : find(partition)
    return slot < 0 ? 0 : (partition?.keeps[slot] ?? 0)
  }

  /** Bytes of the arrays, for the gauge and the test of the bound. */
  get bytes(): number {
    let total = 0
    for (const partition of this.#partitions) {
      if (partition !== undefined) total += partition.words.byteLength + partition.keeps.byteLength
    }
    return total
  }
}

/** Counts the entries of a table that left although `floorMs` still required them, no matter why they were dropped. */
export type Removals = { floorMs: number; early: number }

/** For a table that does not count removals. */
export function uncounted(): Removals {
  return { floorMs: Number.MAX_SAFE_INTEGER, early: 0 }
}

/** The partition of a key given as bytes. */
export function partitionOfBytes(bytes: Uint8Array, at: number): number {
  return ((bytes[at] as number) << 2) | ((bytes[at + 1] as number) >>> 6)
}

export function partitionOfKey(key: IndexKey): number {
  return (key.charCodeAt(0) << 2) | (key.charCodeAt(1) >>> 6)
}

/** Gets the four words of a key, from `at` on, and how long it is kept, in this table's own units. */
export type KeyVisitor = (words: Uint32Array, at: number, keep: number) => void

/** The end of a unit in milliseconds: a key with it is kept until then. */
export function keepUntilOf(keep: number): number {
  return keep === KEEP_FOREVER ? Number.MAX_SAFE_INTEGER : KEEP_ORIGIN_MS + keep * KEEP_UNIT_MS
}

/** The end of the previous unit: a key with `keep` is kept longer than that. */
export function keptBeyondOf(keep: number): number {
  return keepUntilOf(keep) - KEEP_UNIT_MS
}

/** Calls of dropExpired that visit every partition once. */
export const SLICES = 64

/** Parts in which a table can be visited. */
export const PARTITIONS = 1_024
const PARTITION_SHIFT = 22
const SMALLEST = 8
const LOAD_MAX = 0.9
/** A grown partition takes an eighth more keys before it grows again: moving keys is most of the cost of adding one. */
const LOAD_AFTER_GROWTH = 0.8
/** A filled partition is made smaller if it needs less than this share of its capacity. */
const FITTING_MIN = 0.75
/** How much wider a partition becomes when it gets more keys than were announced. */
const WIDENING = 1.5
/** Slots past the last home, so that a run at the end does not wrap around. */
const SLACK = 16
const WORDS = 4
/** Keeps are stored in units of six hours since 2020, rounded up: 16 bits reach 2064; the highest value means for good. */
const KEEP_UNIT_MS = 6 * 3_600_000
const KEEP_ORIGIN_MS = 1_577_836_800_000
export const KEEP_FOREVER = 0xffff

/** The size of a table that is being filled. */
const FILLING = -1

function capacityFor(keys: number): number {
  return Math.max(SMALLEST, Math.ceil(keys / LOAD_AFTER_GROWTH))
}

type Partition = { words: Uint32Array; keeps: Uint16Array; capacity: number; count: number }

/** All zero, which `find` treats as empty. */
function makePartition(capacity: number): Partition {
  const slots = capacity + SLACK
  return { words: new Uint32Array(slots * WORDS), keeps: new Uint16Array(slots), capacity, count: 0 }
}

/** A slot whose `keeps` is 0 is empty, so the least unit in use is 1. */
function keepUnits(keepUntilMs: number): number {
  const units = Math.ceil((keepUntilMs - KEEP_ORIGIN_MS) / KEEP_UNIT_MS)
  return Math.min(KEEP_FOREVER, Math.max(1, units))
}

function home(capacity: number, w1: number): number {
  return Math.floor((w1 / 2 ** 32) * capacity)
}

/**
 * The slot of the loaded key. If it is missing, -1 minus the slot where it belongs: the first one from its home that is empty
 * or holds no smaller key. `keeps` lies elsewhere in memory and is read only where the words cannot show whether a slot is
 * empty, because a check spends most of its time waiting for memory.
 */
function find({ words, keeps, capacity }: Partition): number {
  let slot = home(capacity, k1)
  for (; slot < keeps.length; slot += 1) {
    const at = slot * WORDS
    const here = words[at + 1] as number
    if (here > k1 || (here === 0 && keeps[slot] === 0)) break
    if (here === k1 && words[at] === k0 && words[at + 2] === k2 && words[at + 3] === k3) return slot
  }
  return -1 - slot
}

/** Adds the loaded key, or extends how long it is kept. @returns the partition, or a larger one. */
function added(to: Partition, keep: number): Partition {
  let partition = to
  let found = find(partition)
  before = 0
  if (found >= 0) {
    before = partition.keeps[found] as number
    if (keep > before) partition.keeps[found] = keep
    return partition
  }
  while (!insertAt(partition, -1 - found, keep)) {
    // Always larger: a run can overflow the slack below the highest load, too, and rebuilding at the same size would
    // never end.
    const fitting = Math.ceil((partition.count + 1) / LOAD_AFTER_GROWTH)
    partition = rebuilt(partition, Math.max(fitting, Math.ceil(partition.capacity * 1.03)), 0)
    found = find(partition)
  }
  return partition
}

/** Puts the loaded key where `find` pointed. @returns false when the partition must grow first. */
function insertAt(partition: Partition, slot: number, keep: number): boolean {
  const { words, keeps, capacity } = partition
  if (partition.count + 1 > capacity * LOAD_MAX) return false
  let end = slot
  while (end < keeps.length && keeps[end] !== 0) end += 1
  if (end >= keeps.length) return false
  // A run is a few keys: moving them one by one is faster than two calls that move ranges.
  for (let word = end * WORDS - 1; word >= slot * WORDS; word -= 1)
    words[word + WORDS] = words[word] as number
  for (let at = end; at > slot; at -= 1) keeps[at] = keeps[at - 1] as number
  putAt(partition, slot, keep)
  partition.count += 1
  return true
}

/** Writes the loaded key into a slot. */
function putAt({ words, keeps }: Partition, slot: number, keep: number): void {
  const at = slot * WORDS
  words[at] = k0
  words[at + 1] = k1
  words[at + 2] = k2
  words[at + 3] = k3
  keeps[slot] = keep
}

/** Appends the loaded key to a partition that is being filled. @returns the partition, or a wider one. */
function appended(partition: Partition, keep: number): Partition {
  const { keeps, count } = partition
  if (count === keeps.length) return appended(widened(partition), keep)
  putAt(partition, count, keep)
  partition.count += 1
  return partition
}

/** A copy with room for more keys; their order stays. */
function widened({ words, keeps, capacity, count }: Partition): Partition {
  const wider = makePartition(Math.ceil(capacity * WIDENING))
  wider.words.set(words)
  wider.keeps.set(keeps)
  wider.count = count
  return wider
}

/**
 * Moves the keys of a filled partition to where `find` looks for them, each key once.
 * @param scratch a partition with at least as many slots. @returns the partition, or another one of a better size.
 */
function inOrder(partition: Partition, { words, keeps }: Partition): Partition {
  const { count } = partition
  words.set(partition.words)
  keeps.set(partition.keeps)
  clear(partition)
  let ordered = partition
  for (let slot = 0; slot < count; slot += 1) {
    loadWords(words, slot * WORDS)
    ordered = added(ordered, keeps[slot] as number)
  }
  const fitting = capacityFor(ordered.count)
  return fitting < ordered.capacity * FITTING_MIN ? rebuilt(ordered, fitting, 0) : ordered
}

function clear(partition: Partition): void {
  partition.words.fill(0)
  partition.keeps.fill(0)
  partition.count = 0
}

/** Counts by the times themselves, independently of the code that decides what to drop. */
function keptAbove({ keeps }: Partition, floorMs: number): number {
  let count = 0
  for (const keep of keeps) if (keep !== 0 && keepUntilOf(keep) > floorMs) count += 1
  return count
}

function hasExpired(partition: Partition, below: number): boolean {
  return partition.keeps.some((keep) => keep !== 0 && keep !== KEEP_FOREVER && keep <= below)
}

/** The same keys, without expired ones, in a partition of another capacity, which grows until they fit. */
function rebuilt(from: Partition, capacity: number, below: number): Partition {
  for (let size = capacity; ; size = Math.ceil(size * 1.1) + 1) {
    const to = makePartition(size)
    if (copyInto(to, from, below)) return to
  }
}

function copyInto(to: Partition, from: Partition, below: number): boolean {
  let next = 0
  for (let slot = 0; slot < from.keeps.length; slot += 1) {
    const keep = from.keeps[slot] as number
    if (keep === 0 || (keep !== KEEP_FOREVER && keep <= below)) continue
    const at = slot * WORDS
    const target = Math.max(next, home(to.capacity, from.words[at + 1] as number))
    if (target >= to.keeps.length) return false
    const into = target * WORDS
    // Word by word: a view of four words costs more than copying them.
    for (let word = 0; word < WORDS; word += 1) to.words[into + word] = from.words[at + word] as number
    to.keeps[target] = keep
    to.count += 1
    next = target + 1
  }
  return true
}

/** The loaded key, as four words. Module state, so that a check allocates nothing; safe because nothing here awaits. */
let k0 = 0
let k1 = 0
let k2 = 0
let k3 = 0
/** How long the loaded key was kept before it was added; 0: it is new. */
let before = 0

function loadKey(key: IndexKey): void {
  k0 = charsAt(key, 0)
  k1 = charsAt(key, 4)
  k2 = charsAt(key, 8)
  k3 = charsAt(key, 12)
}

function loadWords(words: Uint32Array, at: number): void {
  k0 = words[at] as number
  k1 = words[at + 1] as number
  k2 = words[at + 2] as number
  k3 = words[at + 3] as number
}

function loadBytes(bytes: Uint8Array, at: number): void {
  k0 = bytesAt(bytes, at)
  k1 = bytesAt(bytes, at + 4)
  k2 = bytesAt(bytes, at + 8)
  k3 = bytesAt(bytes, at + 12)
}

/** 128 bits are 21 base64url characters and the first two bits of the next. */
function loadDigest(digest: TokenDigest): void {
  k0 = ((sextetsAt(digest, 0, 5) << 2) | (sextetAt(digest, 5) >>> 4)) >>> 0
  k1 =
    (((sextetAt(digest, 5) & 15) << 28) | (sextetsAt(digest, 6, 4) << 4) | (sextetAt(digest, 10) >>> 2)) >>> 0
  k2 = (((sextetAt(digest, 10) & 3) << 30) | sextetsAt(digest, 11, 5)) >>> 0
  k3 = ((sextetsAt(digest, 16, 5) << 2) | (sextetAt(digest, 21) >>> 4)) >>> 0
}

function charsAt(key: IndexKey, at: number): number {
  const high = (key.charCodeAt(at) << 24) | (key.charCodeAt(at + 1) << 16)
  return (high | (key.charCodeAt(at + 2) << 8) | key.charCodeAt(at + 3)) >>> 0
}

function bytesAt(bytes: Uint8Array, at: number): number {
  const high = ((bytes[at] as number) << 24) | ((bytes[at + 1] as number) << 16)
  return (high | ((bytes[at + 2] as number) << 8) | (bytes[at + 3] as number)) >>> 0
}
