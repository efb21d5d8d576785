import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))

/** Runs the test files that an npm script names, and which `npm test` leaves out. @throws the failures. */
export async function runSuite(script: 'test:long'): Promise<string> {
  const child = spawn('npm', ['run', '--silent', script], {
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
