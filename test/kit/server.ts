import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { SEED } from './seed.ts'

export const CONTROL_KEY = 'control-key-of-the-tests'
const CLI = fileURLToPath(new URL('../../cli/main.ts', import.meta.url))
const START_TIMEOUT_MS = 30_000
/** Flags of Node for older trees, which tests and benchmarks run beside this one: their manifests need this condition. */
export const OF_OLDER_TREES: readonly string[] = ['-C', 'rescind-source']
/** Node keeps compiled sources here between starts: hundreds of them become twice as quick. */
export const COMPILE_CACHE: string = fileURLToPath(
  new URL('../../node_modules/.cache/rescind-compiled', import.meta.url),
)

/** A folder of its own for a store; removed by `remove`. */
export type Home = { readonly folder: string; readonly remove: () => void }

export function makeHome(): Home {
  return homeIn(tmpdir())
}

/**
 * The same in memory, where the machine lends some as files: what is tested is not how long a disk takes, and a store on
 * one waits for it hundreds of times.
 */
export function makeQuickHome(): Home {
  return homeIn(existsSync(MEMORY_FILES) ? MEMORY_FILES : tmpdir())
}

const MEMORY_FILES = '/dev/shm'

function homeIn(place: string): Home {
  const folder = mkdtempSync(join(place, 'rescind-'))
  return { folder, remove: () => rmSync(folder, { recursive: true, force: true }) }
}

export type ServerProcess = {
  readonly url: string
  readonly process: ChildProcess
  /** Everything it has printed so far. */
  readonly output: () => string
  /** SIGKILL, and waits until it is gone. */
  readonly kill: () => Promise<void>
  /** SIGTERM; @returns the exit code. */
  readonly stop: () => Promise<number | null>
}

export type ServerStart = {
  readonly home: Home
  readonly seed?: unknown
  readonly flags?: readonly string[]
  readonly environment?: Readonly<Record<string, string>>
  /** What starts the server in the place of node, `['sh', '-c', …]` say; its arguments follow. */
  readonly wrapper?: readonly string[]
  /** `cli/main.ts` of another tree, for figures beside it. */
  readonly cli?: string
}

/** The real server in a process of its own, on the embedded store, on a free port. */
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
    ...['--store', `sqlite:${join(home.folder, 'data', 'rescind.db')}`],
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

/** @throws when it ends, or says nothing for long, instead of listening. */
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
