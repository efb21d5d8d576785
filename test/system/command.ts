import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

/** Milliseconds that a command may take. */
const COMMAND_TIMEOUT_MS = 60_000
/** Debian's own interpreter, because no other one sees its packages. */
const PYTHON = '/usr/bin/python3'

export type Ran = { readonly status: number | null; readonly output: string; readonly errors: string }

/** Runs a command beside this process, which may be its server. */
export async function run(
  command: string,
  words: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<Ran> {
  const child = spawn(command, words, {
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: COMMAND_TIMEOUT_MS,
    env: { PATH: '/usr/bin:/bin', LC_ALL: 'C.UTF-8', PYTHONWARNINGS: 'ignore', ...environment },
  })
  let [output, errors] = ['', '']
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString('utf8')
  })
  child.stderr.on('data', (chunk: Buffer) => {
    errors += chunk.toString('utf8')
  })
  await once(child, 'close')
  return { status: child.exitCode, output: output.trim(), errors: errors.trim() }
}

/** Runs one of the scripts beside this file. @throws its output, when it ends with anything but 0. */
export async function python(script: string, words: readonly string[]): Promise<string> {
  const path = fileURLToPath(new URL(`python/${script}`, import.meta.url))
  const { status, output, errors } = await run(PYTHON, [path, ...words])
  if (status !== 0) throw new Error(`${script} ended with ${status}:\n${output}\n${errors}`)
  return output
}
