/** Scans, so that the thread which answers requests reads by key only; and the long part of checkpoints. */
import { DatabaseSync } from 'node:sqlite'
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
    case 'checkpoint':
      mustBeOpen().exec('PRAGMA wal_checkpoint(PASSIVE)')
      return undefined
    case 'close':
      db?.close()
      db = undefined
      return undefined
  }
})

function mustBeOpen(): DatabaseSync {
  if (db === undefined) throw new Error('the store is closed')
  return db
}
