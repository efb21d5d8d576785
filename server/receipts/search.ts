import type { Realm } from '@rescind/authority'
import { type ChainedLogRow, rowKindOf } from '@rescind/core/log'
import { nextTurn } from '../machine/turns.ts'
import { BLOCK_KIND, BLOCK_ROWS, BlockFilter, blockOf, blockStart, entryIdOf, PARTS_MAX } from './block.ts'
import { type Filters, matches } from './filters.ts'
import { type Written, writtenOf } from './receipt.ts'

/** Blocks that one page looks at; a page may be empty and still have a next one. */
const BLOCKS_PER_PAGE = 2_000
/** The same for blocks that are not indexed yet, and so are read row by row. */
const UNINDEXED_PER_PAGE = 20

export type Search = {
  readonly filters: Filters
  /** Only rows before this seq; undefined: from the newest. */
  readonly before: number | undefined
  readonly sinceMs: number | undefined
  readonly untilMs: number | undefined
  readonly limit: number
}

export type Found = { readonly found: readonly Written[]; readonly next: number | undefined }

/** Candidates that are checked between two turns of the event loop. */
const LOOKED_PER_TURN = 100

/** Finds revocations, newest first, through the index. The newest rows are in no block yet and are read directly. */
export async function searchReceipts(realm: Realm, search: Search): Promise<Found> {
  const { index, ordinal, store } = realm
  const { seq: anchor } = await store.anchor(ordinal)
  const found: Written[] = []
  const blocks = new StoredBlocks(realm)
  const filter = new BlockFilter(search.filters)
  let before = Math.min(search.before ?? Number.MAX_SAFE_INTEGER, index.seq + 1)
  let unindexed = 0
  let candidates = 0
  for (let looked = 0; before > anchor + 1; looked += 1) {
    if (looked >= BLOCKS_PER_PAGE || unindexed >= UNINDEXED_PER_PAGE) return { found, next: before }
    const block = blockOf(before - 1)
    const stored = await blocks.at(block)
    const known = stored === undefined ? undefined : filter.candidates(stored, block)
    if (known === undefined) unindexed += 1
    const ofBlock = known ?? (await readBlock(realm, block))
    const fitting = await withRows(realm, block, ofBlock)
    for (const seq of fitting.seqs.filter((one) => one < before).reverse()) {
      candidates += 1
      if (candidates % LOOKED_PER_TURN === 0) await nextTurn()
      const written = await writtenAt(realm, seq, fitting.rows)
      before = seq
      if (written === undefined) continue
      if (search.sinceMs !== undefined && written.atMs < search.sinceMs) return { found, next: undefined }
      if (search.untilMs !== undefined && written.atMs >= search.untilMs) continue
      if (!matches(written, search.filters)) continue
      found.push(written)
      if (found.length === search.limit) return { found, next: seq > 1 ? seq : undefined }
    }
    before = blockStart(block) + 1
  }
  return { found, next: undefined }
}

/** Stored blocks that are read together; each has some 40 KB. */
const BLOCKS_PER_READ = 4

/** Reads stored blocks from the newest on, several at a time. */
class StoredBlocks {
  readonly #realm: Realm
  #read: ReadonlyMap<string, Uint8Array> = new Map()
  /** The lowest block that was looked for. */
  #from = Number.POSITIVE_INFINITY

  constructor(realm: Realm) {
    this.#realm = realm
  }

  /** @returns undefined for a block that is not indexed. Ask in descending order. */
  async at(block: number): Promise<Uint8Array | undefined> {
    if (block < this.#from) await this.#readTo(block)
    return this.#read.get(entryIdOf(block))
  }

  async #readTo(block: number): Promise<void> {
    const { store, ordinal } = this.#realm
    const read = new Map<string, Uint8Array>()
    this.#from = Math.max(0, block + 1 - BLOCKS_PER_READ)
    let after = this.#from === 0 ? undefined : entryIdOf(this.#from - 1)
    let left = block + 1 - this.#from
    do {
      const page = await store.expiringPage(ordinal, { kind: BLOCK_KIND, after, limit: left })
      for (const { id, value } of page.entries) read.set(id, value)
      left -= page.entries.length
      after = page.next
    } while (after !== undefined && left > 0)
    this.#read = read
  }
}

/** The most candidates of one block that are read one by one; with more, the whole block is read. */
const SINGLE_READS = 8

type OfBlock = { readonly seqs: readonly number[]; readonly rows: readonly ChainedLogRow[] | undefined }

async function withRows(realm: Realm, block: number, given: readonly number[] | OfBlock): Promise<OfBlock> {
  if ('seqs' in given) return given
  return { seqs: given, rows: given.length <= SINGLE_READS ? undefined : await rowsOfBlock(realm, block) }
}

/** Every revocation of a block that is not indexed. */
async function readBlock(realm: Realm, block: number): Promise<OfBlock> {
  const rows = await rowsOfBlock(realm, block)
  const own = rows.filter((row) => row.seq > blockStart(block) && rowKindOf(row) === 'revoke')
  return { seqs: own.map(({ seq }) => seq), rows }
}

/** Rows that are read together, which takes two milliseconds. */
const ROWS_PER_READ = 250

/** A block's rows, with the rows before it that its first requests may have begun with. */
export async function rowsOfBlock(
  { store, ordinal }: Realm,
  block: number,
): Promise<readonly ChainedLogRow[]> {
  const end = blockStart(block) + BLOCK_ROWS
  const rows: ChainedLogRow[] = []
  for (let after = Math.max(0, blockStart(block) - PARTS_MAX); after < end; ) {
    const read = await store.chainedRowsAfter(ordinal, after, Math.min(ROWS_PER_READ, end - after))
    for (const row of read) if (row.seq <= end) rows.push(row)
    const last = read.at(-1)
    if (last === undefined) break
    after = last.seq
  }
  return rows
}

/** The revocation that ends with this row; undefined for other rows, and once its audit has expired. */
export async function writtenAt(
  realm: Realm,
  seq: number,
  page?: readonly ChainedLogRow[],
): Promise<Written | undefined> {
  const from = Math.max(0, seq - PARTS_MAX)
  const read = page ?? (await realm.store.chainedRowsAfter(realm.ordinal, from, seq - from))
  // If the row was trimmed off, the read returns later rows instead.
  const rows = within(read, from, seq)
  if (rows.at(-1)?.seq !== seq) return undefined
  return writtenOf(rows, epochOf(realm, seq), {
    keptUntilMs: (row, rule) => realm.keptUntilMs(row, rule),
  })
}

/** Rows of a page with from < seq ≤ to; a page has no gaps. */
function within(page: readonly ChainedLogRow[], from: number, to: number): readonly ChainedLogRow[] {
  const first = page[0]?.seq ?? 0
  return page.slice(Math.max(0, from + 1 - first), Math.max(0, to + 1 - first))
}

/** The ordinal of the epoch that a row was written in. */
export function epochOf({ index }: Realm, seq: number): number {
  return index.epochs.findLast((epoch) => epoch.seq <= seq)?.ordinal ?? 0
}
