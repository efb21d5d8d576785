import { EXPIRING_KINDS, type ExpiringKind } from '@rescind/authority'
import { ByteWriter } from '@rescind/core/bytes'
import type { ChainedLogRow } from '@rescind/core/log'
import { nextTurn } from '../machine/turns.ts'
import { FILTERS, type FilterName, type Filters, filterHash, namesOf } from './filters.ts'
import { type Written, writtenOf } from './receipt.ts'

/** Rows of a log that one block of the index covers. */
export const BLOCK_ROWS = 1_000
/** The most rows that one request can write: a block is read with as many of the rows before it. */
export const PARTS_MAX = 16

/**
 * Expiring entries that hold the index, one for each 1,000 rows of a log. They lie beside the log and expire with the
 * audit that they find.
 */
export const BLOCK_KIND: ExpiringKind = EXPIRING_KINDS.receiptBlock
const DIGITS = 10

export function entryIdOf(block: number): string {
  return String(block).padStart(DIGITS, '0')
}

/** One revocation of a block: its seq, and hashes of the names that find it. */
export type BlockEntry = { readonly seq: number; readonly hashes: readonly number[] }

export function blockOf(seq: number): number {
  return Math.floor((seq - 1) / BLOCK_ROWS)
}

/** The seq before the first row of a block. */
export function blockStart(block: number): number {
  return block * BLOCK_ROWS
}

/** Rows that are processed between two turns of the event loop. */
const ROWS_PER_TURN = 100

/** @param rows the block's rows, with up to PARTS_MAX before them. */
export async function entriesOf(
  rows: readonly ChainedLogRow[],
  block: number,
): Promise<readonly BlockEntry[]> {
  const entries: BlockEntry[] = []
  const hashes = new EntryHashes()
  for (const [at, row] of rows.entries()) {
    if (at % ROWS_PER_TURN === 0) await nextTurn()
    if (row.seq <= blockStart(block)) continue
    const written = writtenOf(rows, 0, { end: at + 1 })
    if (written !== undefined) entries.push({ seq: row.seq, hashes: hashes.of(written) })
  }
  return entries
}

/** Caches hashes within a block, because most of its rows share their author and their target. */
export class EntryHashes {
  readonly #known: Map<string, number> = new Map()

  of(written: Pick<Written, 'rules' | 'audit'>): number[] {
    return namesOf(written).map(([name, value]) =>
      REPEATED.has(name) ? this.#repeated(name, value) : filterHash(name, value),
    )
  }

  #repeated(name: FilterName, value: string): number {
    const key = `${name}\0${value}`
    const hash = this.#known.get(key) ?? filterHash(name, value)
    this.#known.set(key, hash)
    return hash
  }
}

const REPEATED: ReadonlySet<FilterName> = new Set<FilterName>(['by', 'reason', 'source', 'client', 'tenant'])

/** A block as it is stored: the number of entries, then each of them. */
export class BlockWriter {
  readonly #entries: ByteWriter = new ByteWriter()
  #count = 0

  add({ seq, hashes }: BlockEntry): void {
    this.#count += 1
    this.#entries.u32((seq - 1) % BLOCK_ROWS).u8(hashes.length)
    for (const hash of hashes) this.#entries.u32(hash)
  }

  bytes(): Buffer {
    return new ByteWriter().u32(this.#count).fixed(this.#entries.bytes()).bytes()
  }
}

function hashesOf(filters: Filters): readonly number[] {
  return FILTERS.flatMap((name) => {
    const value = filters[name]
    return value === undefined ? [] : [filterHash(name, value)]
  })
}

/**
 * Finds entries that have the hash of every filter, without decoding blocks: a search looks at a thousand entries of
 * each.
 */
export class BlockFilter {
  readonly #wanted: readonly number[]

  constructor(filters: Filters) {
    this.#wanted = hashesOf(filters)
  }

  /**
   * Ascending seqs of entries that may match. @returns undefined for a block that is newer or broken; its rows are read
   * instead.
   */
  candidates(bytes: Uint8Array, block: number): readonly number[] | undefined {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    const found: number[] = []
    let at = 4
    let left = bytes.length < at ? Number.POSITIVE_INFINITY : view.getUint32(0)
    if (left > BLOCK_ROWS) return undefined
    for (; left > 0; left -= 1) {
      if (at + 5 > bytes.length || at + 5 + 4 * view.getUint8(at + 4) > bytes.length) return undefined
      const count = view.getUint8(at + 4)
      const has = (hash: number): boolean => {
        for (let nth = 0; nth < count; nth += 1) if (view.getUint32(at + 5 + 4 * nth) === hash) return true
        return false
      }
      if (this.#wanted.every(has)) found.push(blockStart(block) + view.getUint32(at) + 1)
      at += 5 + 4 * count
    }
    return at === bytes.length ? found : undefined
  }
}
