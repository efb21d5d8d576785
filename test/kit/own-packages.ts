import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
/** Longer than an installation takes: another process may be doing it. */
const LOCK_WAIT_MS = 600_000
/** Holds the lock file by which the packages were installed; `npm ci` removes it with the rest. */
const STAMP = join('node_modules', '.installed-by.json')

/** Folders with packages of their own, which the root's `npm ci` leaves out. */
export const OWN_PACKAGES = ['bench', 'test/interop', 'test/postgres', 'test/tarballs'] as const

export type Npm = { readonly command: string; readonly words: readonly string[] }

/** The npm that runs this process, or the first one on the path. */
export function npmOf({ npm_execpath: script }: NodeJS.ProcessEnv): Npm {
  return script === undefined ? { command: 'npm', words: [] } : { command: process.execPath, words: [script] }
}

/** Installs the packages of these folders, unless they are there. @throws when one of them cannot be installed. */
export function installPackages(...folders: readonly (typeof OWN_PACKAGES)[number][]): void {
  for (const folder of folders) installFolder(join(ROOT, folder), npmOf(process.env))
}

/**
 * Runs `npm ci` in a folder, unless its packages are those of its lock file. Processes that ask at the same time wait for
 * the one that is first; the operating system drops its lock when it ends, however it ends.
 */
export function installFolder(folder: string, npm: Npm): void {
  if (isInstalled(folder)) return
  const lock = new DatabaseSync(`${folder}/.installing`, { timeout: LOCK_WAIT_MS })
  try {
    lock.exec('BEGIN EXCLUSIVE')
    if (!isInstalled(folder)) runNpm(folder, npm)
  } finally {
    lock.close()
  }
}

function runNpm(folder: string, { command, words }: Npm): void {
  process.stderr.write(`installing the packages of ${folder} …\n`)
  const quiet = ['--no-audit', '--no-fund', '--loglevel=error']
  const { status, error, stdout, stderr } = spawnSync(
    command,
    [...words, 'ci', '--ignore-scripts', '--prefer-offline', ...quiet],
    { cwd: folder, encoding: 'utf8' },
  )
  if (status !== 0)
    throw new Error(
      `The packages of ${folder} could not be installed. They come from the npm registry: check that it can be reached, ` +
        `then run this again. npm said:\n${error?.message ?? `${stdout}${stderr}`}`,
    )
  writeFileSync(join(folder, STAMP), lockTextOf(folder))
}

function isInstalled(folder: string): boolean {
  const stamp = join(folder, STAMP)
  return existsSync(stamp) && readFileSync(stamp, 'utf8') === lockTextOf(folder)
}

function lockTextOf(folder: string): string {
  return readFileSync(join(folder, 'package-lock.json'), 'utf8')
}
