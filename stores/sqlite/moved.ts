import { existsSync } from 'node:fs'
import type { DatabaseSync } from 'node:sqlite'
import { StoreRefused } from '@rescind/core'
import type { Came, Moved } from '../move/ends.ts'

/** The name of a copy in the making, beside the place that it is for. */
export const STAGE_ENDING = '.moving'

type Way = { readonly id: string; readonly store: string }

/** Where a store was moved to. */
export function movedTo(db: DatabaseSync): Moved | undefined {
  const row = wayOf(db, 'to')
  return row === undefined
    ? undefined
    : { id: row.id, to: row.store, isOver: wayOf(db, 'over') !== undefined }
}

/** Which move made this store. */
export function cameFrom(db: DatabaseSync): Came | undefined {
  const row = wayOf(db, 'from')
  return row === undefined ? undefined : { id: row.id, from: row.store }
}

function wayOf(db: DatabaseSync, way: 'to' | 'from' | 'over'): Way | undefined {
  // A store of an earlier schema has no such table.
  const table = db.prepare("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'moved'").get()
  if (table === undefined) return undefined
  const row = db.prepare('SELECT id, store FROM moved WHERE way = ?').get(way)
  return row === undefined ? undefined : { id: String(row['id']), store: String(row['store']) }
}

/** @throws StoreRefused for a store that is elsewhere by now: what was revoked there is still live here. */
export function refuseMoved(db: DatabaseSync): void {
  const moved = movedTo(db)
  if (moved !== undefined) throw new StoreRefused(`this store was moved to ${moved.to}: start with that one`)
}

/** @throws StoreRefused where a copy is in the making: a new store in its place would be another one. */
export function refuseMoving(path: string): void {
  if (!existsSync(path) && existsSync(`${path}${STAGE_ENDING}`))
    throw new StoreRefused(
      `${path}${STAGE_ENDING} is half a copy of another store: run the same \`rescind store migrate\` again, or remove it`,
    )
}
