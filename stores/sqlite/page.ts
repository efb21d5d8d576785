/** Rows that are handed from one thread to another at once, and about how many bytes: a millisecond or two of work. */
export const PAGE_ROWS = 100
const PAGE_BYTES = 262_144

type Column = string | number | bigint | Uint8Array | null

/**
 * As many of the rows as are handed over at once, at least one. `more`: whether others follow, which is known when one
 * more than `limit` was read.
 */
export function boundedRows<Row extends readonly Column[]>(
  rows: readonly Row[],
  limit: number,
): { readonly rows: readonly Row[]; readonly more: boolean } {
  let bytes = 0
  let count = 0
  for (const row of rows) {
    if (count >= limit || (count > 0 && bytes > PAGE_BYTES)) return { rows: rows.slice(0, count), more: true }
    for (const column of row) bytes += sizeOf(column)
    count += 1
  }
  return { rows, more: false }
}

function sizeOf(column: Column): number {
  return typeof column === 'string' || column instanceof Uint8Array ? column.length : 8
}
