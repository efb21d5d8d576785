import type { EndingCursor, EndingPage } from '@rescind/authority'
import type { TokenRow } from '../token-facts.ts'
import { readableRow } from '../token-record.ts'
import { ROW_MAX } from './exact.ts'
import { TOKEN_COLUMNS } from './token-row.ts'

export type EndingRow = readonly [...TokenRow, bits: string, id: number, fits: number, nth: number]

/**
 * A page of the expiry index, in its order. The reader thread leaves out tokens that do not match, except the last one of a
 * full page, which says where the next page begins.
 */
export const ENDING_SQL: string = `
  SELECT ${TOKEN_COLUMNS}, bits, id, fits, nth FROM (
    SELECT *,
      realm = ? AND
        CASE WHEN json_valid(facts) THEN json_extract(facts, '$.source') IN (SELECT value FROM json_each(?)) ELSE 0 END AS fits,
      row_number() OVER (ORDER BY expires_at, bits, id) AS nth
    FROM token INDEXED BY token_expiry
    WHERE (expires_at, bits, id) > (?, ?, ?) AND expires_at <= ? AND id BETWEEN 1 AND ${ROW_MAX}
    ORDER BY expires_at, bits, id LIMIT ?)
  WHERE fits OR nth = ? ORDER BY nth`

/** The digits come first, because the bits may be any text. */
export function endingStart({ endMs, key }: EndingCursor): [endMs: number, bits: string, id: number] {
  if (key === undefined) return [endMs + 1, '', 0]
  const split = key.indexOf('.')
  return [endMs, key.slice(split + 1), Number(key.slice(0, split))]
}

export function endingPage(rows: readonly EndingRow[], limit: number): EndingPage {
  const last = rows.at(-1)
  return {
    records: rows.filter(([, , , , , , , , fits]) => fits === 1).flatMap(recordOfEnding),
    next: last?.[9] === limit ? { endMs: last[2], key: `${last[7]}.${last[6]}` } : undefined,
  }
}

function recordOfEnding(row: EndingRow): EndingPage['records'] {
  const record = readableRow([row[0], row[1], row[2], row[3], row[4], row[5]])
  return record === undefined ? [] : [record]
}
