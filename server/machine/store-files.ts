import { accessSync, constants, existsSync, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { PREFIX } from '@rescind/authority'
import { StoreRefused } from '@rescind/core'
import { readSecretFile } from './key-files.ts'

/**
 * Refuses to create a store where one was lost: its keys or its write-ahead log are still there, but the store is not (an
 * unmounted volume, an incomplete copy). A new store would know of no revocation.
 * @throws StoreRefused
 */
export function refuseLost({ path, masterKeyFile }: { path: string; masterKeyFile: string }): void {
  const size = sizeOf(path)
  if (size !== undefined && size > 0) return
  const [controlKey, masterKey] = [resolve(dirname(masterKeyFile), CONTROL_KEY_FILE), resolve(masterKeyFile)]
  const keys = [controlKey, masterKey].filter((one) => existsSync(one))
  const wal = `${path}-wal`
  // Operators may make both keys beforehand, but a control key in our own form was made by a first start.
  const isLost = size === 0 ? keys.length > 0 : keys.length === 2 && isOurs(controlKey)
  const left = (sizeOf(wal) ?? 0) > 0 ? wal : isLost ? keys[0] : undefined
  if (left === undefined) return
  const state = size === 0 ? 'is empty' : 'is not there'
  throw new StoreRefused(
    `store: ${path} ${state}, and ${left} is: the store was lost; ` +
      'bring it back, or restore a backup (rescind restore), or move both away to begin anew',
  )
}

/** The control key that a first start makes, beside the master key. */
export const CONTROL_KEY_FILE = 'control.key'

function isOurs(controlKey: string): boolean {
  return readSecretFile('control key', controlKey).startsWith(PREFIX.controlKey)
}

function sizeOf(path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.size
}

const OWNER_WRITES = 0o200
const GROUP_WRITES = 0o020
const ALL_WRITE = 0o002
const OTHERS = 0o077
const STICKY = 0o1000

/** Endings of the files of a store: itself, SQLite's own and the lock. */
const BESIDE = ['', '-wal', '-shm', '.lock']

export type StoreFiles = { readonly path: string; readonly sideLog?: string | undefined }

/**
 * Checks the files of a store. A server with an unwritable store would listen and then fail every write. A store that
 * any user can write can be replaced by an older copy, in which later revocations are missing.
 * @returns warnings about rights that other users have but do not need.
 * @throws StoreRefused
 */
export function checkStoreFiles({ path, sideLog }: StoreFiles): readonly string[] {
  const files = [...BESIDE.map((ending) => path + ending), ...(sideLog === undefined ? [] : [sideLog])]
  const folders = new Set([path, ...(sideLog === undefined ? [] : [sideLog])].map((file) => dirname(file)))
  return [...[...folders].flatMap(folder), ...files.filter((one) => existsSync(one)).flatMap(file)]
}

function file(path: string): readonly string[] {
  const about = statSync(path)
  const { mode } = about
  if (!about.isFile()) throw new StoreRefused(`store: ${path} is a folder, a pipe or a device, not a file`)
  if (!isWritable(path, mode))
    throw new StoreRefused(`store: ${path} cannot be written; run: chmod 600 ${path}`)
  if ((mode & ALL_WRITE) !== 0)
    throw new StoreRefused(`store: ${path} can be written by everybody; run: chmod 600 ${path}`)
  return (mode & OTHERS) === 0 ? [] : [`${path} can be read by others; run: chmod 600 ${path}`]
}

function folder(path: string): readonly string[] {
  if (!existsSync(path)) return []
  const { mode } = statSync(path)
  if (!isWritable(path, mode))
    throw new StoreRefused(`store: nothing can be written in ${path}; run: chmod 700 ${path}`)
  // In a sticky folder such as /tmp, others cannot replace our files.
  const isAnybodys = (mode & ALL_WRITE) !== 0 && (mode & STICKY) === 0
  if (isAnybodys)
    throw new StoreRefused(`store: everybody can replace the files in ${path}; run: chmod 700 ${path}`)
  const isOthers = (mode & (GROUP_WRITES | ALL_WRITE)) !== 0
  return isOthers ? [`others can make files in ${path}; run: chmod 700 ${path}`] : []
}

/** Checks the owner's write bit even for root, although the kernel lets root write anyway: a removed bit means "do not write". */
function isWritable(path: string, mode: number): boolean {
  if ((mode & OWNER_WRITES) === 0) return false
  try {
    accessSync(path, constants.W_OK)
    return true
  } catch {
    return false
  }
}
