import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { SEED } from './seed.ts'

export const CONTROL_KEY = 'control-key-of-the-tests'
const CLI = fileURLToPath(new URL('../../cli/main.ts', import.meta.url))
const START_TIMEOUT_MS = 120_000
/** Flags of Node for older trees, which tests and benchmarks run beside this one; their manifests need this condition. */
export const OF_OLDER_TREES: readonly string[] = ['-C', 'rescind-source']
/** Where Node keeps compiled sources between starts, which halves the time of hundreds of starts. */
export const COMPILE_CACHE: string = fileURLToPath(
  new URL('../../node_modules/.cache/rescind-compiled', import.meta.url),
)

/** A folder for one store, which `remove` deletes. */
export type Home = { readonly folder: string; readonly remove: () => void }

export function makeHome(): Home {
  return homeIn(tmpdir())
}

/**
 * The same in memory, if the machine has a memory file system. These tests do not measure the disk, and would wait for
 * it hundreds of times.
 */
export function makeQuickHome(): Home {
  return homeIn(quickFolder())
}

const MEMORY_FILES = '/dev/shm'

/** Where files are written without a disk, if there is such a place with so much room. */
export function quickFolder(roomBytes = 0): string {
  if (!existsSync(MEMORY_FILES)) return tmpdir()
  const { bavail, bsize } = statfsSync(MEMORY_FILES)
  return bavail * bsize >= roomBytes ? MEMORY_FILES : tmpdir()
}

function homeIn(place: string): Home {
  const folder = mkdtempSync(join(place, 'rescind-'))
  return { folder, remove: () => rmSync(folder, { recursive: true, force: true }) }
}

export type ServerProcess = {
  readonly url: string
  readonly process: ChildProcess
  /** Everything that it has printed so far. */
  readonly output: () => string
  /** Sends SIGKILL and waits until the process has ended. */
  readonly kill: () => Promise<void>
  /** Sends SIGTERM. @returns the exit code. */
  readonly stop: () => Promise<number | null>
}

export type ServerStart = {
  readonly home: Home
  readonly seed?: unknown
  readonly flags?: readonly string[]
  readonly environment?: Readonly<Record<string, string>>
  /** A store URL, instead of the embedded store in the home. */
  readonly store?: string
  /** Command that starts the server instead of node, such as `['sh', '-c', …]`; its arguments follow. */
  readonly wrapper?: readonly string[]
  /** `cli/main.ts` of another tree, for comparison. */
  readonly cli?: string
}

/** The real server in its own process, on a free port. */
export async function startProcess(start: ServerStart): Promise<ServerProcess> {
  const child = spawnServer(start)
  let text = ''
  child.stdout?.on('data', (chunk: Buffer) => {
    text += chunk.toString('utf8')
  })
  child.stderr?.on('data', (chunk: Buffer) => {
    text += chunk.toString('utf8')
  })
  const url = await listening(child, () => text)
  const ended = once(child, 'exit')
  return {
    url,
    process: child,
    output: () => text,
    kill: async () => {
      child.kill('SIGKILL')
      await ended
    },
    stop: async () => {
      child.kill('SIGTERM')
      await ended
      return child.exitCode
    },
  }
}

export function spawnServer({
  home,
  seed,
  flags,
  environment,
  store = `sqlite:${join(home.folder, 'data', 'rescind.db')}`,
  wrapper,
  cli = CLI,
}: ServerStart): ChildProcess {
  const seedFile = join(home.folder, 'seed.json')
  writeFileSync(seedFile, JSON.stringify(seed ?? SEED), { mode: 0o600 })
  const listen = flags?.includes('--listen') === true ? [] : ['--listen', '127.0.0.1:0']
  const words = [
    ...(wrapper ?? []),
    process.execPath,
    ...(cli === CLI ? [] : OF_OLDER_TREES),
    ...[cli, 'serve', ...listen, '--seed', seedFile],
    ...['--store', store],
    ...['--master-key-file', join(home.folder, 'data', 'master.key'), ...(flags ?? [])],
  ]
  const [command = '', ...rest] = words
  return spawn(command, rest, {
    cwd: home.folder,
    env: {
      PATH: process.env['PATH'] ?? '',
      NODE_COMPILE_CACHE: COMPILE_CACHE,
      RESCIND_CONTROL_KEY: CONTROL_KEY,
      ...environment,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
}

/** @throws if the process ends, or does not listen in time. */
async function listening(child: ChildProcess, text: () => string): Promise<string> {
  const deadline = AbortSignal.timeout(START_TIMEOUT_MS)
  for (;;) {
    const match = /"url":"(http[^"]+)"/.exec(text())
    if (match?.[1] !== undefined) return match[1]
    if (child.exitCode !== null || child.signalCode !== null) throw new Error(`the server ended: ${text()}`)
    const { stdout, stderr } = child
    if (stdout === null || stderr === null) throw new Error('the server has no output')
    await Promise.race([
      once(stdout, 'data', { signal: deadline }),
      once(stderr, 'data', { signal: deadline }),
      once(child, 'exit', { signal: deadline }),
    ])
  }
}
