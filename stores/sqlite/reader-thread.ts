/** Scans, so that the thread which answers requests reads by key only; and the long part of checkpoints. */
import { DatabaseSync } from 'node:sqlite'
import { encodeRows, type LogRowColumns } from './log-bytes.ts'
import { configure } from './schema.ts'
import type { ReaderAsk } from './thread-messages.ts'
import { serve } from './thread-serve.ts'

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
    case 'log':
      return readLog(mustBeOpen(), ask)
    case 'checkpoint':
      mustBeOpen().exec('PRAGMA wal_checkpoint(PASSIVE)')
      return undefined
    case 'close':
      db?.close()
      db = undefined
      return undefined
  }
})

function readLog(from: DatabaseSync, ask: Extract<ReaderAsk, { kind: 'log' }>): Uint8Array {
  const statement = from.prepare(
    'SELECT id, at, kind, rule FROM log WHERE id > ? AND id < ? ORDER BY id LIMIT ?',
  )
  statement.setReturnArrays(true)
  const rows = statement.iterate(ask.after, ask.before, ask.limit)
  // node:sqlite types every row as an object; these are arrays of the four columns.
  return encodeRows(rows as unknown as Iterable<LogRowColumns>)
}

function mustBeOpen(): DatabaseSync {
  if (db === undefined) throw new Error('the store is closed')
  return db
}
