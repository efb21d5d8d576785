import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { makeQuickHome } from '../server.ts'

/** The committed program: `rescind`. */
export const RESCIND: string = fileURLToPath(new URL('../../../cli/bin/rescind.js', import.meta.url))

export type CommandLine = {
  readonly words: readonly string[]
  readonly environment?: Readonly<Record<string, string>>
  /** Standard input; without it, there is none. */
  readonly input?: string
  /** Where it runs, and its HOME; without it, a new one that is removed. */
  readonly folder?: string
}

/** `code` is null when a signal ended it. */
export type CliEnded = { readonly code: number | null; readonly stdout: string; readonly stderr: string }

/** Runs `rescind WORDS` to its end as a process whose streams are pipes. It has nothing of this environment but PATH. */
export async function runCli(line: CommandLine): Promise<CliEnded> {
  const home = line.folder === undefined ? makeQuickHome() : undefined
  const run = startCli({ ...line, folder: line.folder ?? home?.folder ?? '.' })
  const code = await run.ended
  home?.remove()
  return { code, stdout: run.stdout(), stderr: run.stderr() }
}

/** A command that runs, with what it has printed so far. */
export type CliRunning = {
  readonly process: ChildProcess
  /** Its exit code; null when a signal ended it. */
  readonly ended: Promise<number | null>
  readonly stdout: () => string
  readonly stderr: () => string
  /** Resolves once one of the streams matches. @throws when the command ends without that. */
  readonly prints: (what: RegExp) => Promise<void>
}

/** Starts `rescind WORDS` and gives it its input. Kill it after the test. */
export function startCli({ words, environment, input, folder = '.' }: CommandLine): CliRunning {
  const child = spawn(process.execPath, [RESCIND, ...words], {
    cwd: folder,
    env: { ...environmentOf(folder), ...environment },
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  const said = { stdout: '', stderr: '' }
  child.stdout.setEncoding('utf8').on('data', (text: string) => (said.stdout += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said.stderr += text))
  // A command that does not read it may end before all is written.
  child.stdin.on('error', () => undefined).end(input ?? '')
  let isOver = false
  const ended = once(child, 'close').then(() => {
    isOver = true
    return child.exitCode
  })
  return {
    ...{ process: child, ended, stdout: () => said.stdout, stderr: () => said.stderr },
    prints: async (what) => {
      while (!what.test(said.stdout) && !what.test(said.stderr)) {
        if (isOver) throw new Error(`it ended without printing ${what}:\n${said.stdout}${said.stderr}`)
        await Promise.race([once(child.stdout, 'data'), once(child.stderr, 'data'), ended])
      }
    },
  }
}

/** What a reader sees that takes one line and closes the pipe; resolves when both have ended. */
export async function firstLineOf({
  words,
  environment,
  folder = '.',
}: CommandLine): Promise<Pick<CliEnded, 'stdout' | 'stderr'>> {
  const shell = ['-c', '"$@" | head -n 1', 'sh', process.execPath, RESCIND, ...words]
  const child = spawn('sh', shell, {
    cwd: folder,
    env: { ...environmentOf(folder), ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let [stdout, stderr] = ['', '']
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  await once(child, 'close')
  return { stdout, stderr }
}

/** A place in which nothing is configured. */
export function environmentOf(folder: string): Record<string, string> {
  return { PATH: process.env['PATH'] ?? '', HOME: folder, TZ: 'UTC', LANG: 'C.UTF-8' }
}
