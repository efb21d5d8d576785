import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'

const DEADLINE_MS = 120_000

test('nothing that a page runs outlives its runner, even when that is killed', {
  timeout: DEADLINE_MS,
}, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'rescind-reaper-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const path = join(folder, 'socket')
  const server = createServer().listen(path)
  t.after(() => server.close())
  const joins = `node -e 'require("net").connect("${path}", () => console.log("it is listening"))'`
  const page = `\`\`\`sh background\n${joins}\n\`\`\`\n\`\`\`sh\n${joins}\n\`\`\`\n`
  const run = `import { runText } from '${new URL('run-page.ts', import.meta.url).href}'
    await runText('page.md', process.argv[1], () => {})`
  const runner = spawn(process.execPath, ['--input-type=module', '-e', run, page], { stdio: 'ignore' })
  const [background] = (await once(server, 'connection')) as [Socket]
  const [foreground] = (await once(server, 'connection')) as [Socket]
  t.after(() => [background, foreground].forEach((socket) => socket.destroy()))
  const ends = [background, foreground].map((socket) => once(socket.resume(), 'close'))
  runner.kill('SIGKILL')
  const [, signal] = await once(runner, 'exit')
  assert.equal(signal, 'SIGKILL')
  await Promise.all(ends)
})
