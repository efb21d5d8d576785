/** Rows passed between threads at once, and about how many bytes: a millisecond or two of work. */
export const PAGE_ROWS = 100
const PAGE_BYTES = 262_144

type Column = string | number | bigint | Uint8Array | null

/**
 * As many rows as are passed at once, at least one. `more`: whether others follow; to know that, the caller reads one row
 * more than `limit`.
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
