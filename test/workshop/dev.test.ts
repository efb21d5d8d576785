import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, utimesSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { Inspector } from './inspector.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

type Running = { readonly child: ChildProcess; readonly says: (what: RegExp) => Promise<string> }

/** `npm run dev -- WORDS` on a free port, with a store of its own. */
function dev(t: TestContext, ...words: readonly string[]): Running {
  const folder = mkdtempSync(join(tmpdir(), 'rescind-dev-'))
  const place = ['--store', `sqlite:${folder}/rescind.db`, `--master-key-file=${folder}/master.key`]
  const { NODE_TEST_CONTEXT: _, ...env } = process.env
  const flags = ['run', '--silent', 'dev', '--', ...words, '--listen', '127.0.0.1:0', ...place]
  const child = spawn('npm', flags, { cwd: ROOT, env, stdio: ['ignore', 'pipe', 'pipe'], detached: true })
  const ended = once(child, 'close')
  let text = ''
  const take = (chunk: Buffer): void => {
    text += chunk.toString('utf8')
  }
  child.stdout.on('data', take)
  child.stderr.on('data', take)
  t.after(async () => {
    // npm, node --watch and the server are one group; one that stands at a breakpoint hears no other signal.
    process.kill(-(child.pid ?? 0), 'SIGKILL')
    await ended
    rmSync(folder, { recursive: true, force: true })
  })
  const says = async (what: RegExp): Promise<string> => {
    for (;;) {
      const found = what.exec(text)
      if (found !== null) return found[1] ?? found[0]
      await Promise.race([once(child.stdout, 'data'), once(child.stderr, 'data')])
    }
  }
  return { child, says }
}

const URL_LINE = /"url":"(http[^"]+)"/

test('npm run dev says that it is for development, and starts anew when a source changes', async (t) => {
  const { says } = dev(t)
  await says(/FOR DEVELOPMENT ONLY/)
  const first = await says(URL_LINE)
  assert.equal((await fetch(`${first}/healthz`)).status, 200)
  utimesSync(join(ROOT, 'server/compose/ops.ts'), new Date(), new Date())
  await says(/Restarting/)
  const second = await says(new RegExp(`${first}[\\s\\S]*"url":"(http[^"]+)"`))
  assert.equal((await fetch(`${second}/healthz`)).status, 200)
})

test('npm run dev -- --inspect stops at a breakpoint in a source, and goes on', async (t) => {
  const { says } = dev(t, '--inspect=127.0.0.1:0')
  const inspector = await Inspector.open(await says(/Debugger listening on (ws:\S+)/))
  t.after(() => inspector.close())
  const base = await says(URL_LINE)
  const lines = readFileSync(join(ROOT, 'server/compose/ops.ts'), 'utf8').split('\n')
  const at = lines.findIndex((line) => line.includes("jsonAnswer(200, { status: 'ok' })"))
  await inspector.call('Debugger.enable')
  await inspector.call('Debugger.setBreakpointByUrl', {
    urlRegex: '/server/compose/ops\\.ts$',
    lineNumber: at,
    // Behind the arrow: when a request comes, not when the table is made.
    columnNumber: lines[at]?.indexOf('jsonAnswer'),
  })
  const answer = fetch(`${base}/healthz`)
  const { url, line } = await inspector.paused()
  assert.match(url, /\/server\/compose\/ops\.ts$/)
  assert.equal(line, at + 1)
  await inspector.call('Debugger.resume')
  assert.equal((await answer).status, 200)
})
