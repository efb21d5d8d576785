import { closeSync, existsSync, fsyncSync, openSync, renameSync, rmSync } from 'node:fs'
import { dirname } from 'node:path'
import { backup, DatabaseSync } from 'node:sqlite'
import { StoreRefused } from '@rescind/core'
import { refuseForeign } from './schema.ts'

/** Pages copied before the store may write again. */
const PAGES_PER_STEP = 1_024

/**
 * Copies a store, which a server may own and write to meanwhile, as it stands at one moment. The copy is whole and on
 * disk, or it is not there; readable by this user only. It holds no master key.
 * @throws StoreRefused when there is no store, or something stands where the copy is to go.
 */
export async function backupSqlite(path: string, target: string): Promise<void> {
  if (!existsSync(path)) throw new StoreRefused(`there is no store at ${path}`)
  if (existsSync(target)) throw new StoreRefused(`${target} exists already: a backup never replaces anything`)
  const partial = `${target}.partial`
  rmSync(partial, { force: true })
  // Made before SQLite does, so that nobody else could ever open it.
  closeSync(openSync(partial, 'wx', 0o600))
  const source = new DatabaseSync(path, { readOnly: true })
  try {
    refuseForeign(source)
    await backup(source, partial, { rate: PAGES_PER_STEP })
    leaveWal(partial)
    flush(partial)
    renameSync(partial, target)
    flush(dirname(target))
  } finally {
    source.close()
    for (const file of [partial, `${partial}-wal`, `${partial}-shm`]) rmSync(file, { force: true })
  }
}

/** One file that any tool can copy: nothing of it stands in a write-ahead log. */
function leaveWal(path: string): void {
  const copy = new DatabaseSync(path)
  try {
    copy.exec('PRAGMA journal_mode = DELETE')
  } finally {
    copy.close()
  }
}

/** Of a file, or of a folder's list of names. */
export function flush(path: string): void {
  const file = openSync(path, 'r')
  try {
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
}
