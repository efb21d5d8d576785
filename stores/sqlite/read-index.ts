import type { Reader } from './reader.ts'
import type { RowIds } from './thread-messages.ts'
import { TokenIndex } from './token-index.ts'

/** Tokens whose places are read at once at the opening. */
const ROWS_PER_READ = 8_192
/** Whatever an expiry says, its token stands somewhere: the least number that SQLite keeps. */
const LEAST_STORED = -(2 ** 63)

/** Pages by expiry, each read while the one before is taken; one that brings no later expiry is read again, twice as long. */
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
