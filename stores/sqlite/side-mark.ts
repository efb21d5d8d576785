import { existsSync } from 'node:fs'
import type { DatabaseSync } from 'node:sqlite'
import { StoreRefused } from '@rescind/core'
import { SideLog } from './side-log.ts'

/**
 * A file; `salvage`: a restore, see `joinSideLog`. `off`: the one that the store has is given up. `restored`: a backup
 * that is restored without. `unread`: nothing is going to be written.
 */
export type SideLogAsk = { readonly path: string; readonly salvage: boolean } | 'off' | 'restored' | 'unread'

/** A side log that a store went on without. `marked`: the file says so itself, so that no restore believes it. */
export type SideLeft = { readonly path: string; readonly marked: boolean }

/**
 * A store remembers its side log. Were it to go on without it, unnoticed, the file would still end as one that is
 * whole, and a restore by it would bring back what was revoked since. So it is left only by a word of the operator's,
 * and then the file is told.
 * @returns the side log that was left, if one was.
 * @throws StoreRefused when the store has a side log that is not the one that was given.
 */
export function settleSideLog(db: DatabaseSync, ask: SideLogAsk | undefined): SideLeft | undefined {
  const known = sideLogOf(db)
  if (known === undefined || ask === 'unread') return undefined
  if (ask === undefined)
    throw new StoreRefused(
      `this store has a side log, ${known}: give it (--side-log), or give it up (--side-log=off): it proves nothing then`,
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

/** From now on the store has this one, or none. */
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
    `the side log of this store, ${path}, is not there: bring it back, or give it up once (--side-log=off): it proves nothing then`,
  )
}

/** @throws StoreRefused when the file is there and does not take it. */
function leave(path: string): SideLeft {
  if (!existsSync(path)) return { path, marked: false }
  let side: SideLog | undefined
  try {
    side = new SideLog(path)
    side.leave()
    return { path, marked: true }
  } catch (error) {
    // What is no side log of ours any more proves nothing as it is.
    if (error instanceof StoreRefused) return { path, marked: false }
    const reason = error instanceof Error ? error.message : String(error)
    throw new StoreRefused(`the side log ${path} cannot be told that it is given up: ${reason}`)
  } finally {
    side?.close(false)
  }
}
