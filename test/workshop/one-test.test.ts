import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { Inspector } from './inspector.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
/** Imports another room, which a plain `node` has to find. */
const FILE = 'verifier/older-state-file.test.ts'

function run(command: string, words: readonly string[]): string {
  // Else the tests of a test report to this one's runner, and print nothing.
  const { NODE_TEST_CONTEXT: _, NODE_OPTIONS: __, ...env } = process.env
  const { status, stdout, stderr } = spawnSync(command, words, { cwd: ROOT, env, encoding: 'utf8' })
  assert.equal(status, 0, stdout + stderr)
  return stdout
}

const passed = (output: string): number => Number(/^\D*pass (\d+)$/m.exec(output)?.[1])

test('one test file runs by npm run test:one, and by node --test without another flag', () => {
  const all = passed(run('npm', ['run', 'test:one', FILE]))
  assert.ok(all > 1)
  assert.equal(passed(run(process.execPath, ['--test', FILE])), all)
})

test('npm run test:one passes flags of the test runner on', () => {
  const [name = ''] = /(?<=^test\(')[^']+/m.exec(readFileSync(join(ROOT, FILE), 'utf8')) ?? []
  const words = ['run', 'test:one', '--', FILE, '--test-name-pattern', name]
  assert.equal(passed(run('npm', words)), 1)
})

test('npm run test:one -- FILE --inspect-brk waits for a debugger before any of its sources runs', async (t) => {
  const words = [join(ROOT, 'scripts/test-one.ts'), FILE, '--inspect-brk=127.0.0.1:0']
  const child = spawn(process.execPath, words, { cwd: ROOT, stdio: ['ignore', 'ignore', 'pipe'] })
  t.after(() => child.kill('SIGKILL'))
  let said = ''
  while (!/ws:\S+/.test(said)) said += String(await once(child.stderr, 'data'))
  const inspector = await Inspector.open(/ws:\S+/.exec(said)?.[0] ?? '')
  await inspector.call('Debugger.enable')
  await inspector.call('Runtime.runIfWaitingForDebugger')
  const { url } = await inspector.paused()
  inspector.close()
  assert.match(url, /^file:.*\.ts$/)
})

test('npm run test:one without a file says how it is called, and runs nothing', () => {
  const { status, stderr } = spawnSync('npm', ['run', '--silent', 'test:one'], {
    cwd: ROOT,
    encoding: 'utf8',
  })
  assert.equal(status, 2)
  assert.match(stderr, /^test:one: name a test file/)
})
