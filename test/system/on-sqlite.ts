import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))

/**
 * Runs the suites of the dialects on the embedded store; `npm test` runs them on the memory store. @throws the
 * failures.
 */
export async function onSqlite(): Promise<string> {
  const child = spawn('npm', ['run', '--silent', 'test:sqlite'], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let output = ''
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString('utf8')
  })
  await once(child, 'close')
  const passed = /^ℹ pass ([1-9]\d*)$/m.exec(output)?.[1]
  if (child.exitCode === 0 && passed !== undefined) return `${passed} tests passed`
  const from = output.indexOf('failing tests')
  throw new Error(output.slice(from < 0 ? -5_000 : from))
}
