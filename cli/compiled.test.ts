import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { fileURLToPath } from 'node:url'

const MAIN = fileURLToPath(new URL('./main.ts', import.meta.url))
const homes: string[] = []

after(() => {
  for (const home of homes) rmSync(home, { recursive: true })
})

function makeHome(): string {
  const home = mkdtempSync(join(tmpdir(), 'rescind-home-'))
  homes.push(home)
  return home
}

function runAt(home: string, more: Readonly<Record<string, string>> = {}): void {
  const env = { PATH: process.env['PATH'] ?? '', HOME: home, ...more }
  const { status, stderr } = spawnSync(process.execPath, ['-C', 'rescind-source', MAIN, '--version'], { env })
  assert.equal(status, 0, stderr.toString('utf8'))
}

test('what was compiled is kept in a folder that nobody else can write to', () => {
  const home = makeHome()
  runAt(home)
  const folder = join(home, '.cache', 'rescind')
  assert.equal(statSync(folder).mode & 0o777, 0o700)
  assert.notDeepEqual(readdirSync(folder), [])
})

test('a folder that others can write to is not used', () => {
  const home = makeHome()
  const folder = join(home, 'cache', 'rescind')
  mkdirSync(folder, { recursive: true })
  chmodSync(folder, 0o777)
  runAt(home, { XDG_CACHE_HOME: join(home, 'cache') })
  assert.deepEqual(readdirSync(folder), [])
})

test('a cache folder that is not absolute is passed over', () => {
  const home = makeHome()
  runAt(home, { XDG_CACHE_HOME: 'relative' })
  assert.equal(existsSync('relative'), false)
  assert.notDeepEqual(readdirSync(join(home, '.cache', 'rescind')), [])
})

test('where Node is told what to keep, and where, nothing else is kept', () => {
  const home = makeHome()
  runAt(home, { NODE_COMPILE_CACHE: join(home, 'named') })
  runAt(home, { NODE_DISABLE_COMPILE_CACHE: '1' })
  assert.deepEqual(readdirSync(home), ['named'])
})

test('a home that is not there is no reason not to run', () => {
  runAt('/dev/null')
})
