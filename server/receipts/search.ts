import type { ChainedLogRow, Realm } from '@rescind/core'
import {
  BLOCK_MEMO,
  BLOCK_ROWS,
  type BlockEntry,
  blockOf,
  blockStart,
  candidates,
  decodeBlock,
  entriesOf,
  memoIdOf,
  PARTS_MAX,
} from './block.ts'
import { type Filters, matches } from './filters.ts'
import { type Written, writtenOf } from './receipt.ts'

/** Blocks that one page looks at; a page may be empty and still have a next one. */
const BLOCKS_PER_PAGE = 2_000
/** Of blocks that are not indexed yet, which are read row by row. */
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

/** Revocations, newest first, by the index of blocks; the newest rows, which no block holds yet, are read themselves. */
export async function searchReceipts(realm: Realm, search: Search): Promise<Found> {
  const { index, ordinal, store } = realm
  const { seq: anchor } = await store.anchor(ordinal)
  const found: Written[] = []
  let before = Math.min(search.before ?? Number.MAX_SAFE_INTEGER, index.seq + 1)
  let unindexed = 0
  for (let looked = 0; before > anchor + 1; looked += 1) {
    if (looked >= BLOCKS_PER_PAGE || unindexed >= UNINDEXED_PER_PAGE) return { found, next: before }
    const block = blockOf(before - 1)
    const memo = await store.memo(ordinal, { kind: BLOCK_MEMO, id: memoIdOf(block) })
    const rows = memo === undefined ? await rowsOfBlock(realm, block) : undefined
    if (memo === undefined) unindexed += 1
    const entries = memo === undefined ? entriesOf(rows ?? [], block) : decodeBlock(memo.value, block)
    const fitting = candidates(entries, search.filters).filter(({ seq }) => seq < before)
    const page = await pageOf(realm, { block, fitting, rows })
    for (const { seq } of [...fitting].reverse()) {
      const written = await writtenAt(realm, seq, page)
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

/** Candidates of one block that are read one by one; more of them are read with the whole block. */
const SINGLE_READS = 8

type OfBlock = {
  readonly block: number
  readonly fitting: readonly BlockEntry[]
  readonly rows: readonly ChainedLogRow[] | undefined
}

async function pageOf(
  realm: Realm,
  { block, fitting, rows }: OfBlock,
): Promise<readonly ChainedLogRow[] | undefined> {
  if (rows !== undefined || fitting.length <= SINGLE_READS) return rows
  return rowsOfBlock(realm, block)
}

/** A block's rows, with those before it that its first requests may have begun with. */
export async function rowsOfBlock(
  { store, ordinal }: Realm,
  block: number,
): Promise<readonly ChainedLogRow[]> {
  const from = Math.max(0, blockStart(block) - PARTS_MAX)
  const rows = await store.chainedRowsAfter(ordinal, from, 1_000)
  const end = blockStart(block) + BLOCK_ROWS
  const last = rows.at(-1)
  if (last === undefined || last.seq >= end || rows.length < 1_000)
    return rows.filter(({ seq }) => seq <= end)
  const rest = await store.chainedRowsAfter(ordinal, last.seq, end - last.seq)
  return [...rows, ...rest]
}

/** The revocation whose last row is this one; undefined when it is no such row, or its audit has expired. */
export async function writtenAt(
  realm: Realm,
  seq: number,
  page?: readonly ChainedLogRow[],
): Promise<Written | undefined> {
  const from = Math.max(0, seq - PARTS_MAX)
  const read = page ?? (await realm.store.chainedRowsAfter(realm.ordinal, from, seq - from))
  // A row that was trimmed off is not there, and others come in its place.
  const rows = within(read, from, seq)
  if (rows.at(-1)?.seq !== seq) return undefined
  return writtenOf(rows, epochOf(realm, seq))
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
