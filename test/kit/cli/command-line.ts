import { spawn } from 'node:child_process'
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
export async function runCli({ words, environment, input, folder }: CommandLine): Promise<CliEnded> {
  const home = folder === undefined ? makeQuickHome() : undefined
  const cwd = folder ?? home?.folder ?? '.'
  const child = spawn(process.execPath, [RESCIND, ...words], {
    cwd,
    env: { ...environmentOf(cwd), ...environment },
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  let [stdout, stderr] = ['', '']
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  // A command that does not read it may end before all is written.
  child.stdin.on('error', () => undefined).end(input ?? '')
  await once(child, 'close')
  home?.remove()
  return { code: child.exitCode, stdout, stderr }
}

/** A place in which nothing is configured. */
export function environmentOf(folder: string): Record<string, string> {
  return { PATH: process.env['PATH'] ?? '', HOME: folder, TZ: 'UTC', LANG: 'C.UTF-8' }
}
