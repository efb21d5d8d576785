/** Runs scans, so that the main thread reads by key only, and the long part of checkpoints. */
import { DatabaseSync } from 'node:sqlite'
import { exact, ROW_MAX } from './exact.ts'
import { LOG_PAGE_SQL, type LogPage, logPage } from './log-bytes.ts'
import { checkRows } from './log-check.ts'
import { readNames } from './name-read.ts'
import { boundedRows } from './page.ts'
import { configure } from './schema.ts'
import type { ReaderAsk, RowIds } from './thread-messages.ts'
import { serve } from './thread-serve.ts'
import { walkTokens } from './token-walk.ts'

let db: DatabaseSync | undefined

serve<ReaderAsk>((ask) => {
  switch (ask.kind) {
    case 'open':
      db = new DatabaseSync(ask.path)
      configure(db)
      return undefined
    case 'scan': {
      const statement = mustBeOpen().prepare(ask.sql)
      statement.setReturnArrays(true)
      return statement.all(...ask.values)
    }
    case 'page': {
      const statement = mustBeOpen().prepare(ask.sql)
      statement.setReturnArrays(true)
      // node:sqlite types every row as an object; these are arrays of the columns.
      const rows = statement.all(...ask.values, ask.limit + 1) as unknown as Parameters<typeof boundedRows>[0]
      return boundedRows(rows, ask.limit)
    }
    case 'walk':
      return walkTokens(mustBeOpen(), ask)
    case 'names':
      return readNames(mustBeOpen(), ask)
    case 'log':
      return readLog(mustBeOpen(), ask)
    case 'check':
      return checkRows(mustBeOpen(), ask)
    case 'places':
      return readRowIds(mustBeOpen(), ask)
    case 'checkpoint':
      mustBeOpen().exec('PRAGMA wal_checkpoint(PASSIVE)')
      return undefined
    case 'close':
      db?.close()
      db = undefined
      return undefined
  }
})

function readLog(from: DatabaseSync, ask: Extract<ReaderAsk, { kind: 'log' }>): LogPage {
  const statement = from.prepare(LOG_PAGE_SQL)
  statement.setReturnArrays(true)
  // node:sqlite types every row as an object; this is an array of the columns.
  const columns = statement.get(ask.after, ask.before, ask.limit) as unknown
  return logPage(columns as Parameters<typeof logPage>[0])
}

/** The column `bits`, computed from the token in its row. */
const BITS_OF_ROW = 'substr(digest, 1, 5) || substr(handle, 5, 5)'

/**
 * Reads from an index that covers all columns, assembled by SQLite: a million rows must not become a million arrays. Bits of
 * a wrong length would shift all later ones, so they are computed again from digest and handle; if those are no better, the
 * row gets bits that no look-up finds.
 */
function readRowIds(from: DatabaseSync, ask: Extract<ReaderAsk, { kind: 'places' }>): RowIds {
  const statement = from.prepare(`
    SELECT group_concat(bits, '') AS bits, group_concat(id) AS rows, count(*) AS count, ${exact('max(expires_at)')} AS lastMs
    FROM (SELECT expires_at, id, CASE WHEN ${isTenAscii('bits')} THEN bits
        WHEN ${isTenAscii(BITS_OF_ROW)} THEN ${BITS_OF_ROW} ELSE '----------' END AS bits
      FROM token INDEXED BY token_expiry WHERE expires_at >= ? AND id BETWEEN 1 AND ${ROW_MAX} ORDER BY expires_at LIMIT ?)`)
  const { bits, rows, count, lastMs } = statement.get(ask.fromMs, ask.limit) as Partial<RowIds>
  return { bits: bits ?? '', rows: rows ?? '', count: count ?? 0, lastMs: lastMs ?? ask.fromMs }
}

function isTenAscii(text: string): string {
  return `length(${text}) = 10 AND length(CAST(${text} AS BLOB)) = 10`
}

function mustBeOpen(): DatabaseSync {
  if (db === undefined) throw new Error('the store is closed')
  return db
}
