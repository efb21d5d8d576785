import { lstatSync, mkdirSync } from 'node:fs'
import module from 'node:module'
import { homedir } from 'node:os'
import { isAbsolute, join } from 'node:path'

/**
 * Lets Node keep what it compiles, for the next start: half a second of each. Whoever can write there decides what runs
 * here, so it is a folder of this user's own, and never one that others can write to, such as Node's default below /tmp.
 * Does nothing where NODE_COMPILE_CACHE or NODE_DISABLE_COMPILE_CACHE says what is wanted, or where no such folder is.
 */
export function keepCompiled(): void {
  const { env } = process
  if (env['NODE_COMPILE_CACHE'] !== undefined || env['NODE_DISABLE_COMPILE_CACHE'] !== undefined) return
  const cache = env['XDG_CACHE_HOME']
  // The XDG base directory specification passes over a path that is not absolute.
  const folder = join(cache !== undefined && isAbsolute(cache) ? cache : join(homedir(), '.cache'), 'rescind')
  if (!isOurs(folder)) return
  module.enableCompileCache(folder)
  // For threads, which are told by nothing else.
  env['NODE_COMPILE_CACHE'] = folder
}

function isOurs(folder: string): boolean {
  const uid = process.getuid?.()
  if (uid === undefined) return false
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    const found = lstatSync(folder)
    return found.isDirectory() && found.uid === uid && (found.mode & GROUP_OR_OTHERS_WRITE) === 0
  } catch {
    // A home that is not there, or cannot be written to: every start compiles for itself.
    return false
  }
}

const GROUP_OR_OTHERS_WRITE = 0o022
