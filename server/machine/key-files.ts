import { randomBytes } from 'node:crypto'
import {
  closeSync,
  existsSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { dirname } from 'node:path'
import type { MasterKey } from '@rescind/authority'
import { ChangedMeanwhile, type Random, SettingsRefused } from '@rescind/core'
import { readRegularFile } from './regular-file.ts'

const MASTER_KEY_BYTES = 32
const OTHERS = 0o077

/** @throws SettingsRefused when the file is unreadable, readable by others, or holds no master key. */
export function readMasterKey(path: string): MasterKey {
  const bytes = Buffer.from(readSecretFile('masterKeyFile', path), 'base64url')
  if (bytes.length !== MASTER_KEY_BYTES)
    throw new SettingsRefused(`masterKeyFile: ${path} holds no 256-bit key`)
  return { bytes }
}

/** Makes the key durable before it wraps anything: if a crash lost the key, the store could never be opened again. */
export function makeMasterKey(path: string, random: Random): MasterKey {
  const bytes = random.bytes(MASTER_KEY_BYTES)
  writeSecretFile(path, `${bytes.toString('base64url')}\n`)
  return { bytes }
}

/** The next master key, which lies beside the current one while the key is changed. */
const nextPath = (path: string): string => `${path}.next`

/** Makes it durable before it wraps anything. */
export function makeNextMasterKey(path: string, random: Random): MasterKey {
  return makeMasterKey(nextPath(path), random)
}

/** The next key that an interrupted change of the master key left behind. */
export function readNextMasterKey(path: string): MasterKey | undefined {
  return existsSync(nextPath(path)) ? readMasterKey(nextPath(path)) : undefined
}

/** Replaces the master key by the next one in one step, once the next key opens the store. */
export function takeNextMasterKey(path: string): void {
  // Another process that has the same files may have done it.
  if (existsSync(nextPath(path))) renameSync(nextPath(path), path)
  flushFolder(path)
}

export function dropNextMasterKey(path: string): void {
  unlinkSync(nextPath(path))
  flushFolder(path)
}

function flushFolder(path: string): void {
  const folder = openSync(dirname(path), 'r')
  fsyncSync(folder)
  closeSync(folder)
}

/**
 * @throws SettingsRefused for a secret that other users can read, and the error of `fs` for one that does not exist.
 */
export function refuseIfOpen(name: string, path: string): void {
  if (isReadableByOthers(path))
    throw new SettingsRefused(`${name}: ${path} can be read by others; run: chmod 600 ${path}`)
}

/** @returns the first line. @throws SettingsRefused as above. */
export function readSecretFile(name: string, path: string): string {
  let text: string
  try {
    refuseIfOpen(name, path)
    text = readRegularFile(name, path).toString('utf8')
  } catch (error) {
    if (error instanceof SettingsRefused) throw error
    throw new SettingsRefused(`${name}: ${path} cannot be read`)
  }
  if (text.trim() === '') throw new SettingsRefused(`${name}: ${path} is empty`)
  return text.trim()
}

/**
 * Creates a file with mode 0600. When this returns, the file and its folder's entry are on disk. It gets its name only
 * when it is complete, because a crash or a full disk must not leave an empty key that stops every later start.
 * @throws SettingsRefused when it cannot be written; ChangedMeanwhile when it exists.
 */
export function writeSecretFile(path: string, text: string): void {
  const draft = `${path}.${randomBytes(6).toString('hex')}`
  try {
    makeFolder(dirname(path))
    const file = openSync(draft, 'wx', 0o600)
    writeFileSync(file, text)
    fsyncSync(file)
    closeSync(file)
    linkSync(draft, path)
    flushFolder(path)
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST')
      throw new ChangedMeanwhile(`${path} was made meanwhile; start again`)
    throw new SettingsRefused(`${path} cannot be written`)
  } finally {
    rmSync(draft, { force: true })
  }
}

/** Only for our user, because it holds keys and digests. */
export function makeFolder(path: string): void {
  if (!existsSync(path)) mkdirSync(path, { recursive: true, mode: 0o700 })
}

export function isReadableByOthers(path: string): boolean {
  return (statSync(path).mode & OTHERS) !== 0
}
