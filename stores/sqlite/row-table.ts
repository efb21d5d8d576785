/**
 * Rows by a few bits of what they are found by: 26 bits lead to the few rows that may be meant, and whoever asks reads
 * them to see. 7 bytes an entry at 80 to 90 % load, so 8 to 9, and outside the JavaScript heap.
 *
 * The first ten bits choose a partition; inside it entries stand near where the other sixteen say, in their order, so a
 * search ends at the first larger one, a partition may be 90 % full, and growing one moves a thousandth of the entries.
 */
export class RowTable {
  readonly #partitions: (Partition | undefined)[] = new Array<Partition | undefined>(PARTITIONS)
  #size = 0
  #firstCapacity = SMALLEST

  get size(): number {
    return this.#size
  }

  /** Says how many entries are about to come, so that a table which is filled at once does not grow in many steps. */
  reserve(entries: number): void {
    this.#firstCapacity = Math.max(SMALLEST, Math.ceil(entries / PARTITIONS / LOAD_RESERVED))
  }

  get bytes(): number {
    let total = 0
    for (const one of this.#partitions) total += one === undefined ? 0 : one.used.length * ENTRY_BYTES
    return total
  }

  /** Rows that may be meant, in no order; usually one or none. */
  candidates(bits: number): readonly number[] {
    const partition = this.#partitions[bits >>> MARK_BITS]
    if (partition === undefined) return NONE
    const mark = bits & MARK_MASK
    let found: number[] | undefined
    for (let slot = firstSlot(partition, mark); isUsed(partition, slot); slot += 1) {
      if (partition.marks[slot] !== mark) break
      found ??= []
      found.push(rowAt(partition, slot))
    }
    return found ?? NONE
  }

  /** Adding what is there already changes nothing. */
  add(bits: number, row: number): void {
    if (this.candidates(bits).includes(row)) return
    const at = bits >>> MARK_BITS
    const mark = bits & MARK_MASK
    let partition = this.#partitions[at] ?? makePartition(this.#firstCapacity)
    // Never the same size again: a run that overflows the slack may do so below the highest load, too.
    while (!insert(partition, mark, row)) partition = grown(partition)
    this.#partitions[at] = partition
    this.#size += 1
  }

  remove(bits: number, row: number): void {
    const partition = this.#partitions[bits >>> MARK_BITS]
    if (partition === undefined) return
    const mark = bits & MARK_MASK
    for (let slot = firstSlot(partition, mark); isUsed(partition, slot); slot += 1) {
      if (partition.marks[slot] !== mark) return
      if (rowAt(partition, slot) !== row) continue
      removeAt(partition, slot)
      this.#size -= 1
      return
    }
  }
}

const NONE: readonly number[] = []
const PARTITIONS = 1_024
const MARK_BITS = 16
const MARK_MASK = 0xffff
const SMALLEST = 16
const LOAD_MAX = 0.9
const GROWTH = 1.12
const LOAD_RESERVED = 0.84
/** Slots past the last home, so that a run at the end needs no wrap-around. */
const SLACK = 16
const LOW_SPAN = 2 ** 32
/** Mark, row in five bytes: 2^40 rows are 34 years of a thousand tokens a second. */
const ENTRY_BYTES = 2 + 4 + 1

/** `used` holds a row's highest byte plus one: 0 is an empty slot. */
type Partition = {
  readonly marks: Uint16Array
  readonly lows: Uint32Array
  readonly used: Uint8Array
  readonly capacity: number
  count: number
}

/** Rows are below 255 × 2^32, so that their highest byte plus one is a byte. */
export const ROW_MAX: number = 255 * LOW_SPAN - 1

function makePartition(capacity: number): Partition {
  const slots = capacity + SLACK
  return {
    marks: new Uint16Array(slots),
    lows: new Uint32Array(slots),
    used: new Uint8Array(slots),
    capacity,
    count: 0,
  }
}

function home({ capacity }: Partition, mark: number): number {
  return Math.floor((mark / (MARK_MASK + 1)) * capacity)
}

function isUsed({ used }: Partition, slot: number): boolean {
  return slot < used.length && used[slot] !== 0
}

function rowAt({ lows, used }: Partition, slot: number): number {
  return ((used[slot] as number) - 1) * LOW_SPAN + (lows[slot] as number)
}

/** The first slot from a mark's home that is empty or holds no smaller mark. */
function firstSlot(partition: Partition, mark: number): number {
  let slot = home(partition, mark)
  while (isUsed(partition, slot) && (partition.marks[slot] as number) < mark) slot += 1
  return slot
}

/** @returns false when the partition must grow first. */
function insert(partition: Partition, mark: number, row: number): boolean {
  const { marks, lows, used, capacity } = partition
  if (partition.count + 1 > capacity * LOAD_MAX) return false
  const slot = firstSlot(partition, mark)
  let end = slot
  while (isUsed(partition, end)) end += 1
  if (end >= used.length) return false
  // A run is a few entries: moving them one by one takes less than three calls that move ranges.
  for (let at = end; at > slot; at -= 1) {
    marks[at] = marks[at - 1] as number
    lows[at] = lows[at - 1] as number
    used[at] = used[at - 1] as number
  }
  marks[slot] = mark
  lows[slot] = row % LOW_SPAN
  used[slot] = Math.floor(row / LOW_SPAN) + 1
  partition.count += 1
  return true
}

/** Moves what stands behind its home one slot back, up to the first that does not. */
function removeAt(partition: Partition, slot: number): void {
  const { marks, lows, used } = partition
  let end = slot + 1
  while (isUsed(partition, end) && home(partition, marks[end] as number) < end) end += 1
  marks.copyWithin(slot, slot + 1, end)
  lows.copyWithin(slot, slot + 1, end)
  used.copyWithin(slot, slot + 1, end)
  used[end - 1] = 0
  partition.count -= 1
}

/** The same entries, which stand in the order of their marks already, in a larger partition. */
function grown(from: Partition): Partition {
  for (let capacity = Math.ceil(from.capacity * GROWTH) + 1; ; capacity = Math.ceil(capacity * GROWTH)) {
    const to = makePartition(capacity)
    if (copyInto(to, from)) return to
  }
}

function copyInto(to: Partition, { marks, lows, used }: Partition): boolean {
  let next = 0
  for (let slot = 0; slot < used.length; slot += 1) {
    if (used[slot] === 0) continue
    const mark = marks[slot] as number
    const target = Math.max(next, home(to, mark))
    if (target >= to.used.length) return false
    to.marks[target] = mark
    to.lows[target] = lows[slot] as number
    to.used[target] = used[slot] as number
    to.count += 1
    next = target + 1
  }
  return true
}
