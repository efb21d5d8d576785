import { existsSync } from 'node:fs'
import type { DatabaseSync } from 'node:sqlite'
import { StoreRefused } from '@rescind/core'
import { SideLog } from './side-log.ts'

/**
 * The side log to use; `salvage`: a restore, see `joinSideLog`. `off`: abandon the store's side log. `restored`: a backup is
 * restored without one. `unread`: nothing will be written.
 */
export type SideLogAsk = { readonly path: string; readonly salvage: boolean } | 'off' | 'restored' | 'unread'

/** A side log that a store went on without. `marked`: the file says so, so that no restore trusts it. */
export type SideLeft = { readonly path: string; readonly marked: boolean }

/**
 * A store remembers its side log. If it went on without it unnoticed, the file would still look complete, and a restore with
 * it would revive what was revoked since. So only the operator can abandon a side log, and the file is then marked.
 * @returns the side log that was abandoned, if any.
 * @throws StoreRefused when the store has another side log than the given one.
 */
export function settleSideLog(db: DatabaseSync, ask: SideLogAsk | undefined): SideLeft | undefined {
  const known = sideLogOf(db)
  if (known === undefined || ask === 'unread') return undefined
  if (ask === undefined)
    throw new StoreRefused(
      `this store has the side log ${known}: give it with --side-log, or abandon it with --side-log=off (it then proves nothing)`,
    )
  if (ask === 'restored') return { path: known, marked: false }
  if (ask === 'off') return leave(known)
  if (ask.salvage) return undefined
  if (ask.path !== known) {
    const left = leave(known)
    if (!left.marked) throw missing(known)
    return left
  }
  if (!existsSync(known)) throw missing(known)
  return undefined
}

/** Stores that this is the store's side log from now on, or that it has none. */
export function rememberSideLog(db: DatabaseSync, ask: SideLogAsk | undefined): void {
  if (ask === 'unread' || ask === undefined) return
  const path = typeof ask === 'string' ? undefined : ask.path
  if (sideLogOf(db) === path) return
  db.exec('BEGIN IMMEDIATE; DELETE FROM side_log')
  if (path !== undefined) db.prepare('INSERT INTO side_log (path) VALUES (?)').run(path)
  db.exec('COMMIT')
}

function sideLogOf(db: DatabaseSync): string | undefined {
  const row = db.prepare('SELECT path FROM side_log').get()
  return row === undefined ? undefined : String(row.path)
}

function missing(path: string): StoreRefused {
  return new StoreRefused(
    `the side log of this store, ${path}, is missing: bring it back, or abandon it with --side-log=off (it then proves nothing)`,
  )
}

/** @throws StoreRefused when the file exists but cannot be marked. */
function leave(path: string): SideLeft {
  if (!existsSync(path)) return { path, marked: false }
  let side: SideLog | undefined
  try {
    side = new SideLog(path)
    side.leave()
    return { path, marked: true }
  } catch (error) {
    // A file that is no longer a side log proves nothing anyway.
    if (error instanceof StoreRefused) return { path, marked: false }
    const reason = error instanceof Error ? error.message : String(error)
    throw new StoreRefused(`the side log ${path} cannot be marked as abandoned: ${reason}`)
  } finally {
    side?.close(false)
  }
}
