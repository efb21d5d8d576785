import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

test('npm start ends the server with it when it is told to stop', async (t) => {
  const home = mkdtempSync(join(tmpdir(), 'rescind-start-'))
  t.after(() => rmSync(home, { recursive: true, force: true }))
  const own = ['--store', `sqlite:${join(home, 's.db')}`, '--master-key-file', join(home, 'm.key')]
  const words = ['start', '--', '--listen', '127.0.0.1:0', '--log-format', 'json', ...own]
  const npm = spawn('npm', words, { cwd: ROOT, stdio: ['ignore', 'pipe', 'inherit'] })
  let said = ''
  const { promise: pid, resolve } = Promise.withResolvers<number>()
  npm.stdout.on('data', (chunk: Buffer) => {
    said += chunk.toString()
    const listening = /"pid":(\d+),[^\n]*"msg":"rescind is listening"/.exec(said)
    if (listening !== null) resolve(Number(listening[1]))
  })
  const server = await pid
  npm.kill('SIGTERM')
  // The pipe closes once the server, which has inherited it, is gone as well.
  await once(npm.stdout, 'close')
  assert.throws(() => process.kill(server, 0), { code: 'ESRCH' })
})
