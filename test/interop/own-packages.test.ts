import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, beforeEach, test } from 'node:test'
import { installFolder } from '../kit/own-packages.ts'

/** Installs the clients of this folder, with a small fake npm and with the real one. */

const NPM = process.env['npm_execpath']
const OWN_PACKAGES = new URL('../kit/own-packages.ts', import.meta.url).href
const folders: string[] = []
let folder: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'rescind-packages-'))
  folders.push(folder)
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'own', dependencies: { one: '1.0.0' } }))
  writeLock('1.0.0')
})
after(() => {
  for (const one of folders) rmSync(one, { recursive: true, force: true })
})

function writeLock(version: string): void {
  const one = { version, resolved: `http://127.0.0.1:9/one-${version}.tgz`, integrity: 'sha512-AA==' }
  const own = { name: 'own', dependencies: { one: version } }
  const packages = { '': own, 'node_modules/one': one }
  writeFileSync(join(folder, 'package-lock.json'), JSON.stringify({ lockfileVersion: 3, packages }))
}

/** Installs nothing, and adds a line to `ran` for each call. */
function countingNpm(): { command: string; words: string[] } {
  const script = join(folder, 'npm.cjs')
  writeFileSync(
    script,
    `const fs = require('node:fs')
fs.appendFileSync('ran', process.argv[2] + '\\n')
fs.rmSync('node_modules', { recursive: true, force: true })
fs.mkdirSync('node_modules')`,
  )
  return { command: process.execPath, words: [script] }
}

const ran = (): string => readFileSync(join(folder, 'ran'), 'utf8')

test('processes that ask at the same time install once', async () => {
  const words = [folder, countingNpm()].map((value) => JSON.stringify(value)).join(', ')
  const code = `import { installFolder } from ${JSON.stringify(OWN_PACKAGES)}; installFolder(${words})`
  const children = Array.from({ length: 3 }, () =>
    spawn(process.execPath, ['--input-type=module', '-e', code], { stdio: 'ignore' }),
  )
  const ended = await Promise.all(children.map((child) => once(child, 'exit')))
  assert.deepEqual(
    ended.map(([status]) => status as number),
    [0, 0, 0],
  )
  assert.equal(ran(), 'ci\n')
})

test('packages are installed again when the lock file has changed, and only then', () => {
  const npm = countingNpm()
  installFolder(folder, npm)
  installFolder(folder, npm)
  assert.equal(ran(), 'ci\n')
  writeLock('1.0.1')
  installFolder(folder, npm)
  assert.equal(ran(), 'ci\nci\n')
})

test('an unreachable registry is an error that says so, each time', () => {
  const settings = ['--registry=http://127.0.0.1:9/', '--fetch-retries=0', `--cache=${join(folder, 'cache')}`]
  const npm =
    NPM === undefined
      ? { command: 'npm', words: settings }
      : { command: process.execPath, words: [NPM, ...settings] }
  for (let time = 0; time < 2; time += 1)
    assert.throws(
      () => installFolder(folder, npm),
      /npm registry: check that it can be reached.*ECONNREFUSED/s,
    )
})
