/** The only thread that writes: groups come one at a time, and each becomes one transaction and one flush. */
import { DatabaseSync, type StatementSync } from 'node:sqlite'
import type { LogHead } from '@rescind/authority'
import { type RealmOrdinal, StoreRefused } from '@rescind/core'
import { isInstant } from '../token-facts.ts'
import { Applier } from './apply.ts'
import { exact } from './exact.ts'
import { decodeGroup, type StoredGroup } from './group-bytes.ts'
import { refuseMoved } from './moved.ts'
import { configure, migrate, refuseForeign } from './schema.ts'
import { joinSideLog } from './side-join.ts'
import { SideLog, sideHead } from './side-log.ts'
import { rememberSideLog, settleSideLog } from './side-mark.ts'
import type { Committed, Opened, WriterAsk } from './thread-messages.ts'
import { serve } from './thread-serve.ts'

type Open = {
  readonly db: DatabaseSync
  readonly applier: Applier
  readonly side: SideLog | undefined
  readonly logSize: StatementSync
  floorMs: number
}
/** Page cache of the only writing connection; no other connection empties it. */
const CACHE_KIB = 65_536
/** Writes as many pages as a token does, and leaves nothing. */
const PROBE = `
  INSERT INTO token (id, realm, digest, handle, bits, expires_at, facts) VALUES (-1, -1, '', '', '', 0, '');
  DELETE FROM token WHERE id = -1`
let open: Open | undefined

serve<WriterAsk>((ask) => {
  switch (ask.kind) {
    case 'open':
      return openStore(ask)
    case 'commit':
      return commit(mustBeOpen(), ask)
    case 'close':
      closeStore(ask.inOrder)
      return undefined
  }
})

function openStore({ path, floorMs, sideLog }: Extract<WriterAsk, { kind: 'open' }>): Opened {
  const db = new DatabaseSync(path)
  let side: SideLog | undefined
  try {
    refuseForeign(db)
    configure(db)
    db.exec(`PRAGMA cache_size = -${CACHE_KIB}`)
    migrate(db, floorMs)
    refuseMoved(db)
    const applier = new Applier(db)
    const left = settleSideLog(db, sideLog)
    const file = typeof sideLog === 'object' ? sideLog : undefined
    side = file === undefined ? undefined : new SideLog(file.path)
    const joined = side === undefined ? undefined : joinSideLog({ db, applier, side }, file?.salvage === true)
    rememberSideLog(db, sideLog)
    const durable = durableFloor(db, floorMs)
    // NOOP writes nothing back: it only reports the pages in the write-ahead log.
    const logSize = db.prepare('PRAGMA wal_checkpoint(NOOP)')
    open = { db, applier, side, logSize, floorMs: durable }
    return {
      floorMs: durable,
      ...(joined === undefined ? {} : { joined }),
      ...(left === undefined ? {} : { left }),
    }
  } catch (error) {
    side?.close(false)
    db.close()
    throw error
  }
}

/** @throws StoreRefused for an invalid floor: with a clock that was set back, expired tokens would come back. */
function durableFloor(db: DatabaseSync, floorMs: number): number {
  const row = db.prepare(`SELECT ${exact('value')} AS value FROM meta WHERE name = 'floor'`).get()
  const durable = Number(row?.value ?? floorMs)
  if (!isInstant(durable))
    throw new StoreRefused('the floor of the store is not a valid time: restore a backup (rescind restore)')
  return durable
}

function commit(store: Open, ask: Extract<WriterAsk, { kind: 'commit' }>): Committed {
  const group = decodeGroup(ask.group)
  const { db } = store
  const outcomes = new Float64Array(group.writes.length)
  const before = new Map<RealmOrdinal, LogHead>()
  let syncMs = 0
  store.applier.tokens.beginGroup()
  db.exec('BEGIN IMMEDIATE')
  try {
    group.writes.forEach((write, at) => {
      if (!before.has(write.realm)) before.set(write.realm, store.applier.head(write.realm))
      outcomes[at] = store.applier.write(write)
    })
    // An empty group asks whether the disk takes writes, which an empty transaction would not show.
    if (group.writes.every(({ operations }) => operations.length === 0)) db.exec(PROBE)
    if (group.floorMs > store.floorMs) {
      db.prepare("UPDATE meta SET value = ? WHERE name = 'floor'").run(group.floorMs)
    }
    // The other volume first: whatever the store has, the side log has.
    if (store.side !== undefined) ship(store.side, { group, outcomes, before, applier: store.applier })
    syncMs = timed(() => db.exec('COMMIT'))
  } catch (error) {
    abandon(store)
    throw error
  }
  store.floorMs = Math.max(store.floorMs, group.floorMs)
  // Another thread has checkpointed the rest, so little is left here. Once all is written back, the next group restarts
  // the write-ahead log.
  if (ask.checkpoint) finishCheckpoint(db)
  const heads = [...before.keys()].map((realm) => {
    const { seq, chain } = store.applier.head(realm)
    // A copy: transferring a view would transfer its whole buffer, and small buffers share 64 KB.
    return { realm, seq, chain: new Uint8Array(chain) }
  })
  const { log } = store.logSize.get() as { log: number }
  return { outcomes, heads, syncMs, rows: Float64Array.from(store.applier.tokens.moved), logPages: log }
}

function timed(act: () => void): number {
  const beginMs = performance.now()
  act()
  return performance.now() - beginMs
}

/** If the side log cannot be marked, it counts as not closed in order, which is the safe side. */
function closeStore(inOrder: boolean): void {
  try {
    open?.side?.close(inOrder)
  } catch {
    // The store itself is durable, and must be released.
  }
  open?.db.close()
  open = undefined
}

type Applied = {
  readonly group: StoredGroup
  readonly outcomes: Float64Array
  readonly before: ReadonlyMap<RealmOrdinal, LogHead>
  readonly applier: Applier
}

function ship(side: SideLog, { group, outcomes, before, applier }: Applied): void {
  const written = [...before].filter(([realm, { seq }]) => applier.head(realm).seq > seq)
  side.group(group, {
    applied: group.writes.filter((_write, at) => (outcomes[at] ?? -1) >= 0),
    from: written.map(([realm, head]) => sideHead(realm, head)),
    to: written.map(([realm]) => sideHead(realm, applier.head(realm))),
  })
}

/** The group is already durable: if the checkpoint fails, the log only stays longer. */
function finishCheckpoint(db: DatabaseSync): void {
  try {
    db.exec('PRAGMA wal_checkpoint(PASSIVE)')
  } catch {
    // It is retried once the log has grown further.
  }
}

/** It is unknown what reached the disk, so this connection is closed. The store must be reopened from disk before the next commit. */
function abandon(store: Open): void {
  open = undefined
  try {
    store.side?.close(false)
    store.db.close()
  } catch {
    // Closing a failed connection may fail, too; it is gone either way.
  }
}

function mustBeOpen(): Open {
  if (open === undefined) throw new Error('the store must be reopened after a failed flush')
  return open
}
