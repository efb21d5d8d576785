/** The one thread that writes: groups come one at a time, each becomes one transaction and one flush. */
import { DatabaseSync } from 'node:sqlite'
import type { RealmOrdinal } from '@rescind/core'
import { Applier } from './apply.ts'
import { decodeGroup } from './group-bytes.ts'
import { configure, migrate, refuseForeign } from './schema.ts'
import type { Committed, WriterAsk } from './thread-messages.ts'
import { serve } from './thread-serve.ts'

type Open = { readonly db: DatabaseSync; readonly applier: Applier; floorMs: number }
/** Page cache of the only connection that writes: never emptied by another. */
const CACHE_KIB = 65_536
/** Writes as many pages as a token does, and leaves nothing. */
const PROBE = `
  INSERT INTO token (id, realm, digest, handle, bits, expires_at, facts) VALUES (-1, -1, '', '', '', 0, '');
  DELETE FROM token WHERE id = -1`
let open: Open | undefined

serve<WriterAsk>((ask) => {
  switch (ask.kind) {
    case 'open':
      return openStore(ask.path, ask.floorMs)
    case 'commit':
      return commit(mustBeOpen(), ask)
    case 'close':
      open?.db.close()
      open = undefined
      return undefined
  }
})

/** @returns the durable floor. */
function openStore(path: string, floorMs: number): number {
  const db = new DatabaseSync(path)
  try {
    refuseForeign(db)
    configure(db)
    db.exec(`PRAGMA cache_size = -${CACHE_KIB}`)
    migrate(db, floorMs)
    const row = db.prepare("SELECT value FROM meta WHERE name = 'floor'").get()
    const durable = Number(row?.value ?? floorMs)
    open = { db, applier: new Applier(db), floorMs: durable }
    return durable
  } catch (error) {
    db.close()
    throw error
  }
}

function commit(store: Open, ask: Extract<WriterAsk, { kind: 'commit' }>): Committed {
  const group = decodeGroup(ask.group)
  const { db } = store
  const outcomes = new Float64Array(group.units.length)
  const realms = new Set<RealmOrdinal>()
  store.applier.tokens.beginGroup()
  db.exec('BEGIN IMMEDIATE')
  try {
    group.units.forEach((unit, at) => {
      realms.add(unit.realm)
      outcomes[at] = store.applier.unit(unit)
    })
    // A group without work asks whether the disk takes writes, which an empty transaction would not find out.
    if (group.units.every(({ operations }) => operations.length === 0)) db.exec(PROBE)
    if (group.floorMs > store.floorMs) {
      db.prepare("UPDATE meta SET value = ? WHERE name = 'floor'").run(group.floorMs)
    }
    db.exec('COMMIT')
  } catch (error) {
    abandon(store)
    throw error
  }
  store.floorMs = Math.max(store.floorMs, group.floorMs)
  // What is left here was written while another thread checkpointed the rest, so it takes no time; when it is all
  // there, the next group starts the write-ahead log from its beginning.
  if (ask.checkpoint) finishCheckpoint(db)
  const heads = [...realms].map((realm) => ({ realm, ...store.applier.head(realm) }))
  return { outcomes, heads, rows: Float64Array.from(store.applier.tokens.moved) }
}

/** The group is durable already: a log that cannot be written back only stays longer. */
function finishCheckpoint(db: DatabaseSync): void {
  try {
    db.exec('PRAGMA wal_checkpoint(PASSIVE)')
  } catch {
    // Tried again when the log has grown further.
  }
}

/**
 * Nothing is known now about what reached the disk, so this connection is given up: it must be opened again, from
 * disk, before anything else is committed.
 */
function abandon(store: Open): void {
  open = undefined
  try {
    store.db.close()
  } catch {
    // Closing a connection that has failed may fail too; it is gone either way.
  }
}

function mustBeOpen(): Open {
  if (open === undefined) throw new Error('the store has to be opened again after a failed flush')
  return open
}
