import { closeSync, existsSync, fsyncSync, openSync, renameSync, rmSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { backup, DatabaseSync } from 'node:sqlite'
import { StoreRefused } from '@rescind/core'
import { refuseForeign } from './schema.ts'

/** Pages copied between two looks at how far it has come. */
const PAGES_PER_STEP = 4_096
/**
 * Bytes by which the write-ahead log may grow while the copy is made. It cannot be given up meanwhile, so a volume
 * that is slower to copy to than the server writes must not fill the store's own.
 */
const BACKUP_LOG_MAX_BYTES = 1_073_741_824

export type BackupOptions = {
  /** Told now and then how many of the store's pages are copied. */
  readonly onProgress?: (copied: number, total: number) => void
  readonly logMaxBytes?: number
}

/**
 * Copies a store, which a server may own and write to meanwhile, as it stands at one moment: in one read transaction
 * over the whole copy, so that nothing that is written makes it begin again. The copy is whole and on disk, or it is
 * not there; readable by this user only. It holds no master key.
 * @throws StoreRefused when there is no store, something stands where the copy is to go, or the store's write-ahead log
 * would grow too large.
 */
export async function backupSqlite(
  path: string,
  target: string,
  { onProgress, logMaxBytes = BACKUP_LOG_MAX_BYTES }: BackupOptions = {},
): Promise<void> {
  if (!existsSync(path)) throw new StoreRefused(`there is no store at ${path}`)
  if (existsSync(target)) throw new StoreRefused(`${target} exists already: a backup never replaces anything`)
  const partial = `${target}.partial`
  rmSync(partial, { force: true })
  let source: DatabaseSync | undefined
  try {
    // Made before SQLite does, so that nobody else could ever open it.
    closeSync(openSync(partial, 'wx', 0o600))
    source = new DatabaseSync(path, { readOnly: true })
    refuseForeign(source)
    source.exec('BEGIN')
    // The transaction begins with its first read. A copy made inside it stays with what that saw.
    source.prepare('SELECT count(*) FROM sqlite_schema').get()
    const logBefore = logBytes(path)
    const progress = ({ totalPages, remainingPages }: Progress): void => {
      if (logBytes(path) - logBefore > logMaxBytes)
        throw new StoreRefused(
          `${path}-wal grew by more than ${logMaxBytes} bytes meanwhile: copy to a faster volume, or when less is written`,
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

/** It is reused from its beginning, so what matters is by how much its file has become longer. */
function logBytes(path: string): number {
  return statSync(`${path}-wal`, { throwIfNoEntry: false })?.size ?? 0
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
