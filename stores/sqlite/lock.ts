import { lstatSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { StoreRefused } from '@rescind/core'

/**
 * Takes the store for this process: an exclusive transaction on a database of its own, whose lock the operating
 * system drops when the process ends, however it ends. Backups read the store beside it.
 * @throws StoreRefused when another process has it.
 */
export function takeLock(path: string): DatabaseSync {
  // The lock goes by the file's name: under a second name, a second process would own the same store.
  const stat = lstatSync(path, { throwIfNoEntry: false })
  if (stat?.isSymbolicLink() === true) {
    throw new StoreRefused(`the store ${path} is a symbolic link: name the file that it leads to`)
  }
  if (stat?.isFile() === false) throw new StoreRefused(`the store ${path} is no file`)
  if (stat !== undefined && stat.nlink > 1) {
    throw new StoreRefused(
      `the store ${path} has another name, too (a hard link), under which it could have a second owner: remove that one`,
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
