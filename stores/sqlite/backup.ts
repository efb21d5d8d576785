import { closeSync, existsSync, fsyncSync, openSync, renameSync, rmSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { backup, DatabaseSync } from 'node:sqlite'
import { StoreRefused } from '@rescind/core'
import { refuseMoved } from './moved.ts'
import { refuseForeign } from './schema.ts'

/** Pages copied between two progress checks. */
const PAGES_PER_STEP = 4_096
/**
 * How much the write-ahead log may grow during the copy. It cannot be truncated meanwhile, so a copy that is slower than the
 * server's writes must not fill the store's volume.
 */
const BACKUP_LOG_MAX_BYTES = 1_073_741_824

export type BackupOptions = {
  /** Called now and then with the number of pages copied. */
  readonly onProgress?: (copied: number, total: number) => void
  readonly logMaxBytes?: number
}

/**
 * Copies a store as it is at one moment; a server may own it and write to it meanwhile. One read transaction spans the whole
 * copy, so writes do not restart it. The copy is complete and on disk, or absent; only this user can read it. It holds no
 * master key.
 * @throws StoreRefused when there is no store, the target exists, or the store's write-ahead log would grow too large.
 */
export async function backupSqlite(
  path: string,
  target: string,
  { onProgress, logMaxBytes = BACKUP_LOG_MAX_BYTES }: BackupOptions = {},
): Promise<void> {
  if (!existsSync(path)) throw new StoreRefused(`there is no store at ${path}`)
  if (existsSync(target))
    throw new StoreRefused(`${target} already exists, and a backup never replaces a file; give another name`)
  const partial = `${target}.partial`
  rmSync(partial, { force: true })
  let source: DatabaseSync | undefined
  try {
    // Created before SQLite does it, so that no other user could ever open it.
    closeSync(openSync(partial, 'wx', 0o600))
    source = new DatabaseSync(path, { readOnly: true })
    refuseForeign(source)
    refuseMoved(source)
    source.exec('BEGIN')
    // The first read begins the transaction; the copy sees what that read saw.
    source.prepare('SELECT count(*) FROM sqlite_schema').get()
    const logBefore = logBytes(path)
    const progress = ({ totalPages, remainingPages }: Progress): void => {
      if (logBytes(path) - logBefore > logMaxBytes)
        throw new StoreRefused(
          `${path}-wal grew by more than ${logMaxBytes} bytes during the copy: copy to a faster volume, or when less is written`,
        )
      onProgress?.(totalPages - remainingPages, totalPages)
    }
    await backup(source, partial, { rate: PAGES_PER_STEP, progress })
    source.exec('COMMIT')
    leaveWal(partial)
    flush(partial)
    renameSync(partial, target)
    flush(dirname(target))
  } catch (error) {
    if (error instanceof StoreRefused) throw error
    const reason = error instanceof Error ? error.message : String(error)
    throw new StoreRefused(`${path} could not be copied to ${target}: ${reason}`)
  } finally {
    source?.close()
    for (const file of [partial, `${partial}-wal`, `${partial}-shm`]) rmSync(file, { force: true })
  }
}

type Progress = { readonly totalPages: number; readonly remainingPages: number }

/** The log is reused from its beginning, so only the growth of its file counts. */
function logBytes(path: string): number {
  return statSync(`${path}-wal`, { throwIfNoEntry: false })?.size ?? 0
}

/** Leaves one file that can be copied by any tool, with nothing in a write-ahead log. */
function leaveWal(path: string): void {
  const copy = new DatabaseSync(path)
  try {
    copy.exec('PRAGMA journal_mode = DELETE')
  } finally {
    copy.close()
  }
}

/** Flushes a file, or the list of names of a folder. */
export function flush(path: string): void {
  const file = openSync(path, 'r')
  try {
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
}
