import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { formPost } from './load.ts'
import { everywhere, pinServer } from './pin.ts'

export const CLIENT = { clientId: 'svc', clientSecret: 'svc-secret-of-the-benchmark' }
const BASIC = `Basic ${Buffer.from(`${CLIENT.clientId}:${CLIENT.clientSecret}`).toString('base64')}`

export type Action = 'issue' | 'introspect' | 'revoke'

/** A server that is measured, in a process of its own. */
export type Target = {
  readonly name: string
  readonly port: number
  readonly process: ChildProcess
  readonly request: (action: Action, token: string) => Buffer
  /** Whether its issue answers with tokens that the other actions can use. */
  readonly hasTokens: boolean
}

type Paths = Readonly<Record<Action, string>>
type Start = {
  readonly name: string
  readonly words: readonly string[]
  readonly paths: Paths
  readonly hasTokens: boolean
}

const START_TIMEOUT_MS = 60_000
const running: Set<ChildProcess> = new Set()

// A run that fails must not leave servers behind.
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})

export async function startTarget({ name, words, paths, hasTokens }: Start): Promise<Target> {
  const [command, args] = everywhere(process.execPath, words)
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  running.add(child)
  const port = await portOf(child)
  if (child.pid !== undefined) pinServer(child.pid)
  return {
    name,
    port,
    process: child,
    hasTokens,
    request: (action, token) => requestFor(paths, action, token),
  }
}

function requestFor(paths: Paths, action: Action, token: string): Buffer {
  const form: Record<string, string> =
    action === 'issue' ? { grant_type: 'client_credentials', scope: 'read' } : { token }
  return formPost({ path: paths[action], authorization: BASIC, form })
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

/** CPU seconds of a process so far, all its threads (Linux, /proc). */
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
