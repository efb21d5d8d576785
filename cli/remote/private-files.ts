import { randomBytes } from 'node:crypto'
import {
  closeSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { dirname } from 'node:path'
import { WrongUse } from '../frame/failure.ts'

const OTHERS = 0o077
/** Bytes of a key file or of the profiles. */
const FILE_MAX_BYTES = 1_048_576

/** Reads a file that holds keys. @param name what it is, in messages. @throws WrongUse when others can read it, too. */
export function readPrivateFile(path: string, name: string): string {
  const { mode, size } = statSync(path)
  if ((mode & OTHERS) !== 0)
    throw new WrongUse(`${name}: ${path} can be read by others`, `run: chmod 600 ${path}`)
  if (size > FILE_MAX_BYTES) throw new WrongUse(`${name}: ${path} is too large`)
  return readFileSync(path, 'utf8')
}

/** Replaces a file by one that only this user can read, in one step: a crash leaves the old one or the new one. */
export function writePrivateFile(path: string, text: string): void {
  written(path, text, (draft) => renameSync(draft, path))
}

/** A file that is made before what goes into it, so that it is sure to have room for a name. */
export type ReservedFile = { readonly write: (text: string) => void; readonly drop: () => void }

/** Makes an empty file that only this user can read. @throws WrongUse when it exists. */
export function reservePrivateFile(path: string): ReservedFile {
  createPrivateFile(path, '')
  let isFilled = false
  return {
    write: (text) => {
      writePrivateFile(path, text)
      isFilled = true
    },
    drop: () => {
      if (!isFilled) rmSync(path, { force: true })
    },
  }
}

/** The same for a file that must not exist so far. @throws WrongUse when it does. */
export function createPrivateFile(path: string, text: string): void {
  written(path, text, (draft) => {
    if (!isLinked(draft, path))
      throw new WrongUse(`${path} exists`, 'name another file: nothing is overwritten')
  })
}

/** Gives a file another name, whole at once. @returns false when a file of that name exists. */
export function isLinked(draft: string, path: string): boolean {
  try {
    linkSync(draft, path)
    return true
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
    return false
  }
}

function written(path: string, text: string, settle: (draft: string) => void): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  const draft = `${path}.${randomBytes(6).toString('hex')}`
  try {
    const file = openSync(draft, 'wx', 0o600)
    writeFileSync(file, text)
    fsyncSync(file)
    closeSync(file)
    settle(draft)
  } finally {
    rmSync(draft, { force: true })
  }
}
