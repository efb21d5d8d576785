import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { Readable } from 'node:stream'
import type { TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { COMPILE_CACHE } from '../../kit/server.ts'

const CLI = fileURLToPath(new URL('../../../cli/bin/rescind.js', import.meta.url))

export type Command = {
  readonly words: readonly string[]
  /** The folder it runs in. */
  readonly folder: string
  readonly environment?: Readonly<Record<string, string>>
}

/** `code` is null when a signal ended it. */
export type Ended = { readonly code: number | null; readonly stdout: string; readonly stderr: string }

export type RunningCommand = {
  readonly process: ChildProcess
  readonly output: () => string
  /** Resolves when the output matches. @throws when the command ends before. */
  readonly says: (what: RegExp) => Promise<void>
  readonly ended: Promise<Ended>
}

/** Starts `rescind WORDS` with only PATH from this environment. It ends with the test at the latest. */
export function startCommand(t: TestContext, { words, folder, environment }: Command): RunningCommand {
  const child = spawn(process.execPath, [CLI, ...words], {
    cwd: folder,
    env: { PATH: process.env['PATH'] ?? '', NODE_COMPILE_CACHE: COMPILE_CACHE, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let [stdout, stderr] = ['', '']
  child.stdout.on('data', (chunk: Buffer) => {
    stdout += chunk.toString('utf8')
  })
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk.toString('utf8')
  })
  const ended = once(child, 'close').then(() => ({ code: child.exitCode, stdout, stderr }))
  const output = (): string => stdout + stderr
  t.after(async () => {
    child.kill('SIGKILL')
    await ended
  })
  const says = async (what: RegExp): Promise<void> => {
    while (!what.test(output())) {
      const more = once(child.stdout, 'data').then(() => true)
      const goesOn = await Promise.race([more, ended.then(() => false)])
      if (!goesOn && !what.test(output())) throw new Error(`it ended without saying ${what}: ${output()}`)
    }
  }
  return { process: child, output, says, ended }
}

/** Runs the command to its end. */
export function runCommand(t: TestContext, command: Command): Promise<Ended> {
  return startCommand(t, command).ended
}

/**
 * Runs a command that ends, or is refused before serving, in this process, as `cli/main.ts` does: without the start of a
 * process, which takes longer than most commands. Run one at a time: it changes the folder, the environment and the mask
 * of the process, and restores them.
 */
export async function runHere({ words, folder, environment = {} }: Command): Promise<Ended> {
  const [was, before, mask] = [process.cwd(), { ...process.env }, process.umask(0o077)]
  // Imported here, because most tests start processes and do not need it.
  const [{ runWords }, { COMMANDS }] = await Promise.all([
    import('../../../cli/frame/run.ts'),
    import('../../../cli/table.ts'),
  ])
  process.chdir(folder)
  process.env = { PATH: before['PATH'], ...environment }
  let [stdout, stderr] = ['', '']
  try {
    const code = await runWords(words, {
      input: Readable.from([]),
      output: { write: (text) => (stdout += text) },
      errors: { write: (text) => (stderr += text) },
      environment: process.env,
      commands: COMMANDS,
      interrupted: new AbortController().signal,
    })
    return { code, stdout, stderr }
  } finally {
    process.chdir(was)
    process.env = before
    process.umask(mask)
  }
}

/** Asserts that it gave the reason in one line on stderr, with exit code 2 and nothing else. */
export function assertRefused({ code, stdout, stderr }: Ended, why: RegExp): void {
  assert.equal(code, 2, stdout + stderr)
  assert.match(stderr, why)
  assert.match(stderr, /^rescind: [^\n]+\n$/)
}
