import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { everywhere, pinServer } from './pin.ts'
import { type Action, type Credentials, type Paths, requestFor } from './requests.ts'

/** A server to measure, in its own process. */
export type Target = {
  readonly name: string
  readonly port: number
  readonly process: ChildProcess
  readonly has: (action: Action) => boolean
  readonly request: (action: Action, credentials: Credentials) => Buffer
  /** Whether its issue action returns tokens that the other actions can use. */
  readonly hasTokens: boolean
}

type Start = {
  readonly name: string
  readonly words: readonly string[]
  readonly paths: Paths
  readonly hasTokens: boolean
  readonly isPinned?: boolean
}

const START_TIMEOUT_MS = 60_000
const running: Set<ChildProcess> = new Set()

// A run that fails or is stopped must not leave servers running.
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1))

export async function startTarget({
  name,
  words,
  paths,
  hasTokens,
  isPinned = true,
}: Start): Promise<Target> {
  const [command, args] = everywhere(process.execPath, words)
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  running.add(child)
  const port = await portOf(child)
  if (isPinned && child.pid !== undefined) pinServer(child.pid)
  return {
    name,
    port,
    process: child,
    hasTokens,
    has: (action) => paths[action] !== undefined,
    request: (action, credentials) => requestFor(action, paths[action] ?? '/', credentials),
  }
}

async function portOf(child: ChildProcess): Promise<number> {
  const deadline = AbortSignal.timeout(START_TIMEOUT_MS)
  const { stdout, stderr } = child
  if (stdout === null || stderr === null) throw new Error('the server has no output')
  let text = ''
  stderr.on('data', (chunk: Buffer) => {
    text += chunk.toString('utf8')
  })
  stdout.on('data', (chunk: Buffer) => {
    text += chunk.toString('utf8')
  })
  for (;;) {
    const match = /"url":"http:\/\/127\.0\.0\.1:(\d+)"/.exec(text)
    if (match?.[1] !== undefined) return Number(match[1])
    if (child.exitCode !== null || child.signalCode !== null) throw new Error(`a server ended: ${text}`)
    await Promise.race([
      once(stdout, 'data', { signal: deadline }),
      once(child, 'exit', { signal: deadline }),
    ])
  }
}

export async function stopTarget({ process: child }: Target): Promise<void> {
  const ended = once(child, 'exit')
  child.kill('SIGTERM')
  await ended
  running.delete(child)
}

/** CPU seconds that all threads of a process have used (Linux, /proc). */
export function cpuSeconds(child: ChildProcess): number {
  const fields = readFileSync(`/proc/${child.pid}/stat`, 'latin1').split(') ')[1]?.split(' ') ?? []
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND
}

const TICKS_PER_SECOND = 100

export function residentBytes(child: ChildProcess): number {
  const match = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${child.pid}/status`, 'latin1'))
  return Number(match?.[1] ?? 0) * 1_024
}

export function here(file: string): string {
  return fileURLToPath(new URL(file, import.meta.url))
}
