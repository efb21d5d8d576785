import { ContractBroken } from '@rescind/core'

/**
 * Rows by a few bits of their key: 26 bits lead to the few candidate rows, which the caller reads to be sure. 7 bytes an entry
 * at 80 to 90 % load, so 8 to 9, outside the JavaScript heap.
 *
 * The first ten bits choose a partition, in which entries are sorted by the other sixteen. A search ends at the first larger
 * value, so partitions may be 90 % full, and growing one moves only a thousandth of the entries.
 */
export class RowTable {
  readonly #partitions: (Partition | undefined)[] = new Array<Partition | undefined>(PARTITIONS)
  #size = 0
  #firstCapacity = SMALLEST

  /** @throws ContractBroken while it is being filled. */
  get size(): number {
    if (this.#size === FILLING) this.#hasNone()
    return this.#size
  }

  /**
   * Until `endFill`, entries are taken as they come, and sorted at the end, one partition at a time: finding each entry's place
   * at once would wait for memory twice an entry. The table cannot be queried meanwhile.
   * @param entries about how many will come. @throws ContractBroken when the table has entries.
   */
  beginFill(entries: number): void {
    if (this.#size !== 0) throw new ContractBroken('a table is filled once, when it is empty')
    this.#firstCapacity = capacityFor(entries / PARTITIONS)
    this.#size = FILLING
  }

  /** @throws ContractBroken without `beginFill`. */
  endFill(): void {
    if (this.#size !== FILLING) throw new ContractBroken('a table that is not being filled')
    let size = 0
    const most = this.#partitions.reduce((found, one) => Math.max(found, one?.used.length ?? 0), 0)
    const scratch = makePartition(most)
    for (let at = 0; at < PARTITIONS; at += 1) {
      const partition = this.#partitions[at]
      if (partition === undefined) continue
      const ordered = inOrder(partition, scratch)
      this.#partitions[at] = ordered
      size += ordered.count
    }
    this.#firstCapacity = SMALLEST
    // Last: if sorting fails, the table stays one that refuses queries.
    this.#size = size
  }

  get bytes(): number {
    let total = 0
    for (const one of this.#partitions) total += one === undefined ? 0 : one.used.length * ENTRY_BYTES
    return total
  }

  /** Candidate rows, in no order; usually one or none. */
  candidates(bits: number): readonly number[] {
    if (this.#size <= 0) return this.#hasNone()
    const partition = this.#partitions[bits >>> MARK_BITS]
    return partition === undefined ? NONE : rowsOf(partition, bits & MARK_MASK)
  }

  /** Adds an entry; adding one that is already there changes nothing. */
  add(bits: number, row: number): void {
    const at = bits >>> MARK_BITS
    const mark = bits & MARK_MASK
    const partition = this.#partitions[at] ?? makePartition(this.#firstCapacity)
    if (this.#size === FILLING) {
      this.#partitions[at] = appended(partition, mark, row)
      return
    }
    const { count } = partition
    const after = added(partition, mark, row)
    this.#partitions[at] = after
    this.#size += after.count - count
  }

  remove(bits: number, row: number): void {
    if (this.#size <= 0) {
      this.#hasNone()
      return
    }
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

  /** @throws ContractBroken: a table that is being filled must not look empty. */
  #hasNone(): readonly number[] {
    if (this.#size === FILLING) throw new ContractBroken('a table was asked while it was filled')
    return NONE
  }
}

const NONE: readonly number[] = []
const PARTITIONS = 1_024
const MARK_BITS = 16
const MARK_MASK = 0xffff
const SMALLEST = 16
const LOAD_MAX = 0.9
const GROWTH = 1.12
const LOAD_FILLED = 0.84
/** A filled partition is made smaller if it needs less than this share of its capacity. */
const FITTING_MIN = 0.75
/** How much wider a partition becomes when it gets more entries than were announced. */
const WIDENING = 1.5
/** Slots past the last home, so that a run at the end does not wrap around. */
const SLACK = 16
const LOW_SPAN = 2 ** 32
/** The mark, then the row in five bytes: 2^40 rows are 34 years of a thousand tokens a second. */
const ENTRY_BYTES = 2 + 4 + 1

/** `used` holds a row's highest byte plus one; 0 marks an empty slot. */
type Partition = {
  readonly marks: Uint16Array
  readonly lows: Uint32Array
  readonly used: Uint8Array
  readonly capacity: number
  count: number
}

/** Rows stay below 255 × 2^32, so that their highest byte plus one fits a byte. */
export const ROW_MAX: number = 255 * LOW_SPAN - 1

/** The size of a table that is being filled. */
const FILLING = -1

function capacityFor(entries: number): number {
  return Math.max(SMALLEST, Math.ceil(entries / LOAD_FILLED))
}

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

function rowsOf(partition: Partition, mark: number): readonly number[] {
  let found: number[] | undefined
  for (let slot = firstSlot(partition, mark); isUsed(partition, slot); slot += 1) {
    if (partition.marks[slot] !== mark) break
    found ??= []
    found.push(rowAt(partition, slot))
  }
  return found ?? NONE
}

/** Adds a row unless it is there. @returns the partition, or a larger one. */
function added(to: Partition, mark: number, row: number): Partition {
  let partition = to
  if (rowsOf(partition, mark).includes(row)) return partition
  // Always larger: a run can overflow the slack below the highest load, too.
  while (!insert(partition, mark, row))
    partition = rebuilt(partition, Math.ceil(partition.capacity * GROWTH) + 1)
  return partition
}

/** @returns false when the partition must grow first. */
function insert(partition: Partition, mark: number, row: number): boolean {
  const { marks, lows, used, capacity } = partition
  if (partition.count + 1 > capacity * LOAD_MAX) return false
  const slot = firstSlot(partition, mark)
  let end = slot
  while (isUsed(partition, end)) end += 1
  if (end >= used.length) return false
  // A run is a few entries: moving them one by one is faster than three calls that move ranges.
  for (let at = end; at > slot; at -= 1) {
    marks[at] = marks[at - 1] as number
    lows[at] = lows[at - 1] as number
    used[at] = used[at - 1] as number
  }
  marks[slot] = mark
  putRow(partition, slot, row)
  partition.count += 1
  return true
}

function putRow({ lows, used }: Partition, slot: number, row: number): void {
  lows[slot] = row % LOW_SPAN
  used[slot] = Math.floor(row / LOW_SPAN) + 1
}

/** Appends an entry to a partition that is being filled. @returns the partition, or a wider one. */
function appended(partition: Partition, mark: number, row: number): Partition {
  const { marks, used, count } = partition
  if (count === used.length) return appended(widened(partition), mark, row)
  marks[count] = mark
  putRow(partition, count, row)
  partition.count += 1
  return partition
}

/** A copy with room for more entries; their order stays. */
function widened({ marks, lows, used, capacity, count }: Partition): Partition {
  const wider = makePartition(Math.ceil(capacity * WIDENING))
  wider.marks.set(marks)
  wider.lows.set(lows)
  wider.used.set(used)
  wider.count = count
  return wider
}

/**
 * Moves the entries of a filled partition to where searches look for them, each once.
 * @param scratch a partition with at least as many slots. @returns the partition, or another one of a better size.
 */
function inOrder(partition: Partition, scratch: Partition): Partition {
  const { count } = partition
  scratch.marks.set(partition.marks)
  scratch.lows.set(partition.lows)
  scratch.used.set(partition.used)
  clear(partition)
  let ordered = partition
  for (let slot = 0; slot < count; slot += 1) {
    ordered = added(ordered, scratch.marks[slot] as number, rowAt(scratch, slot))
  }
  const fitting = capacityFor(ordered.count)
  return fitting < ordered.capacity * FITTING_MIN ? rebuilt(ordered, fitting) : ordered
}

function clear(partition: Partition): void {
  partition.marks.fill(0)
  partition.lows.fill(0)
  partition.used.fill(0)
  partition.count = 0
}

/** Moves the following displaced entries one slot back, up to the first one at its home. */
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

/** The same sorted entries in a partition of another capacity, which grows until they fit. */
function rebuilt(from: Partition, capacity: number): Partition {
  for (let size = capacity; ; size = Math.ceil(size * GROWTH)) {
    const to = makePartition(size)
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
