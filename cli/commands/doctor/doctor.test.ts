import assert from 'node:assert/strict'
import { chmodSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { type CliEnded, runCli } from '../../../test/kit/cli/command-line.ts'
import {
  CONTROL_KEY,
  type Home,
  makeHome,
  type ServerProcess,
  startProcess,
} from '../../../test/kit/server.ts'
import { judgeFlushes } from './disk.ts'

let home: Home
let server: ServerProcess
before(async () => {
  // On a disk: a memory file system is what the doctor has to find.
  home = makeHome()
  server = await startProcess({ home })
})
after(async () => {
  await server.stop()
  home.remove()
})

type Told = { readonly kind: string; readonly about: string; readonly what: string; readonly next?: string }
const doctor = async (
  environment: Record<string, string>,
  ...words: readonly string[]
): Promise<[CliEnded, Told[]]> => {
  const data = join(home.folder, 'data')
  const store = [
    '--store',
    `sqlite:${join(data, 'rescind.db')}`,
    '--master-key-file',
    join(data, 'master.key'),
  ]
  const ended = await runCli({
    words: ['doctor', ...store, '--json', ...words],
    environment,
    folder: home.folder,
  })
  return [ended, (JSON.parse(ended.stdout) as { findings: Told[] }).findings]
}

test('a server in order is looked at from its files to its verifiers, and nothing is changed', async () => {
  const [{ stderr }, findings] = await doctor({ RESCIND_URL: server.url, RESCIND_KEY: CONTROL_KEY })
  assert.equal(stderr, '')
  const kinds = Object.fromEntries(findings.map(({ about, kind }) => [about, kind]))
  for (const about of ['store files', 'master key', 'server', 'clock'])
    assert.equal(kinds[about], 'right', about)
  assert.equal(kinds['store contents'], 'unchecked')
  assert.deepEqual(
    findings.filter(({ about }) => about === 'verifiers').map(({ kind, what }) => [kind, what]),
    [['unchecked', 'no instance is known in realm default']],
  )
  const flush = findings.find(({ about }) => about === 'fsync')
  assert.match(
    flush?.what ?? '',
    /^32 flushes in .* took \d+(?:\.\d)? (?:µs|ms) in the middle, \d+(?:\.\d)? (?:µs|ms) at most/,
  )
  assert.match(findings.find(({ about }) => about === 'disk space')?.what ?? '', /GiB are free/)
})

test('each fault says what to do, and the exit code is 1', async () => {
  const master = join(home.folder, 'data/master.key')
  chmodSync(master, 0o644)
  const [ended, findings] = await doctor({ RESCIND_URL: 'http://127.0.0.1:1' })
  chmodSync(master, 0o600)
  assert.equal(ended.code, 1)
  const faults = findings.filter(({ kind }) => kind === 'wrong')
  assert.deepEqual(
    faults.map(({ about }) => about).filter((about) => about !== 'fsync'),
    ['master key', 'server'],
  )
  for (const { next } of faults) assert.ok(next !== undefined && next.length > 8)
  const key = await runCli({
    words: ['doctor'],
    environment: { RESCIND_URL: server.url, RESCIND_KEY: 'no-such-key' },
  })
  assert.match(key.stdout, /^WRONG {3}verifiers: .*\n +check the key/m)
  const none = await runCli({ words: ['doctor'], environment: { RESCIND_URL: server.url } })
  assert.match(none.stdout, /^– {7}verifiers: no key is given/m)
})

test('flushes that take no time, or too much, are found', () => {
  const kindOf = (...micros: readonly number[]): string => judgeFlushes(micros, '/x').kind
  assert.equal(kindOf(1, 2, 3), 'wrong')
  assert.equal(kindOf(9.9, 9.9, 9_000), 'wrong')
  assert.equal(kindOf(3, 10, 900), 'right')
  assert.equal(kindOf(900, 1_000, 90_000), 'right')
  assert.equal(kindOf(21_000, 25_000, 90_000), 'warning')
})

test('the verifiers are those of the realm that is named', async () => {
  const environment = { RESCIND_URL: server.url, RESCIND_KEY: CONTROL_KEY }
  for (const [more, words] of [
    [{}, ['--realm', 'nowhere']],
    [{ RESCIND_REALM: 'nowhere' }, []],
  ] as const) {
    const [{ code }, findings] = await doctor({ ...environment, ...more }, ...words)
    assert.equal(code, 1)
    assert.equal(findings.find(({ about }) => about === 'verifiers')?.what, 'no such realm')
  }
})
