import { ROW_MAX } from './exact.ts'
import type { Reader } from './reader.ts'
import type { RowIds } from './thread-messages.ts'
import { TokenIndex } from './token-index.ts'

/** Tokens read at once when the store is opened. */
const ROWS_PER_READ = 8_192
/** The lowest number that SQLite stores: tokens with every possible expiry must be included. */
const LEAST_STORED = -(2 ** 63)

/** Reads pages by expiry, each while the previous one is loaded. If a page does not reach a later expiry, doubles its size. */
export async function readIndex(reader: Reader): Promise<TokenIndex> {
  const index = new TokenIndex()
  const sql = 'SELECT count(*) FROM token'
  const [count] = await reader.now<readonly (readonly [number])[]>({ kind: 'scan', sql, values: [] })
  index.beginFill(count?.[0] ?? 0)
  const rowIds = (fromMs: number, limit: number): Promise<RowIds> =>
    reader.now<RowIds>({ kind: 'places', fromMs, limit })
  let limit = ROWS_PER_READ
  let fromMs = LEAST_STORED
  let next = rowIds(fromMs, limit)
  for (;;) {
    const page = await next
    const isLast = page.count < limit
    limit = page.lastMs > fromMs ? ROWS_PER_READ : limit * 2
    fromMs = page.lastMs
    if (!isLast) next = rowIds(fromMs, limit)
    index.load(page)
    if (isLast) break
  }
  index.endFill()
  return index
}

/** The highest row of a token; 0: there is none. */
export async function highestRow(reader: Reader): Promise<number> {
  const sql = `SELECT coalesce(max(id), 0) FROM token WHERE id BETWEEN 1 AND ${ROW_MAX}`
  const [highest] = await reader.now<readonly (readonly [number])[]>({ kind: 'scan', sql, values: [] })
  return highest?.[0] ?? 0
}
