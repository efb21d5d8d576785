import { existsSync, statSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { SettingsRefused, StoreRefused } from '@rescind/core'
import { type Config, checkStoreFiles, readMasterKey } from '@rescind/server'
import { type Finding, right, unchecked, warning, wrong } from './finding.ts'

const OTHERS = 0o077

/** The files of the store, and the keys beside it. @param path of the store; undefined for a database. */
export function fileFindings(config: Config, path: string | undefined): readonly Finding[] {
  const master = resolve(config.masterKeyFile)
  return [...storeFindings(path), masterKeyFinding(master, path), ...controlKeyFindings(dirname(master))]
}

function storeFindings(path: string | undefined): readonly Finding[] {
  if (path === undefined)
    return [unchecked('store files', 'the store is a database; `rescind store check` reads it')]
  if (!existsSync(path))
    return [unchecked('store files', `there is no store at ${path}; the first start makes one`)]
  return [...permissionFindings(path), unchecked('store contents', UNREAD)]
}

const UNREAD = 'they were not read: `rescind store check` reads all of them, once the server is stopped'

function permissionFindings(path: string): readonly Finding[] {
  try {
    const warnings = checkStoreFiles({ path })
    if (warnings.length === 0)
      return [right('store files', `${path} can be read and written by this user alone`)]
    return warnings.map((text) => warning('store files', ...halves(text)))
  } catch (error) {
    if (error instanceof StoreRefused) return [wrong('store files', ...halves(error.message))]
    throw error
  }
}

/** What is wrong, and what to do: the two halves of a server's sentence. */
function halves(text: string): [what: string, next: string] {
  const [what = text, ...next] = text.replace(/^store: /, '').split('; ')
  return [what, next.length === 0 ? 'see docs/run/deploy.md, "Files"' : next.join('; ')]
}

function masterKeyFinding(master: string, path: string | undefined): Finding {
  const isThere = existsSync(master)
  if (!isThere && (path === undefined || !existsSync(path)))
    return unchecked('master key', `there is none at ${master}; the first start makes one`)
  try {
    readMasterKey(master)
    return right('master key', `${master} can be read by this user alone; keep a copy apart from the backups`)
  } catch (error) {
    if (!(error instanceof SettingsRefused)) throw error
    const [what = '', next = 'without it the store cannot be opened: bring it back from your copy'] =
      error.message.split('; ')
    return wrong('master key', what, next)
  }
}

function controlKeyFindings(folder: string): readonly Finding[] {
  const path = join(folder, 'control.key')
  if (!existsSync(path)) return []
  if ((statSync(path).mode & OTHERS) !== 0)
    return [
      wrong('control key', `${path} can be read by others`, `run: chmod 600 ${path}, and make a new key`),
    ]
  return [right('control key', `${path} can be read by this user alone`)]
}
