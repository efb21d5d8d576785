import { lstatSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { StoreRefused } from '@rescind/core'

/**
 * Takes the store for this process, by an exclusive transaction on a separate database. The operating system drops that lock
 * when the process ends, however it ends. Backups can still read the store.
 * @throws StoreRefused when another process has it.
 */
export function takeLock(path: string): DatabaseSync {
  // The lock goes by the file's name: under a second name, a second process could own the same store.
  const stat = lstatSync(path, { throwIfNoEntry: false })
  if (stat?.isSymbolicLink() === true) {
    throw new StoreRefused(`the store ${path} is a symbolic link: give the file that it points to`)
  }
  if (stat?.isFile() === false) throw new StoreRefused(`the store ${path} is not a file`)
  if (stat !== undefined && stat.nlink > 1) {
    throw new StoreRefused(
      `the store ${path} has a second name (a hard link), under which another process could own it, too: remove that name`,
    )
  }
  const lock = new DatabaseSync(`${path}.lock`)
  try {
    lock.exec('PRAGMA busy_timeout = 0; BEGIN EXCLUSIVE')
    return lock
  } catch (error) {
    lock.close()
    if (error instanceof Error && /locked|busy/i.test(error.message)) {
      throw new StoreRefused(`another process owns the store ${path}: stop it first`)
    }
    throw error
  }
}
