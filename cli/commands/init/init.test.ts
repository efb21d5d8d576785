import assert from 'node:assert/strict'
import { existsSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { parse } from 'yaml'
import { startCommand } from '../../../test/faults/kit/command.ts'
import { RESCIND, runCli } from '../../../test/kit/cli/command-line.ts'
import { makeQuickHome } from '../../../test/kit/server.ts'
import { unitText } from '../../../test/kit/unit.ts'
import { systemdFile } from './files.ts'

const FILES = ['rescind.env', 'rescind.service', 'compose.yaml', 'rescind-data/master.key']

function homeFor(t: TestContext): string {
  const home = makeQuickHome()
  t.after(home.remove)
  return home.folder
}

test('a server starts with what init has written, and its settings are those that were given', async (t) => {
  const folder = homeFor(t)
  const words = [
    '--public-url',
    'https://tokens.example.org',
    '--behind-proxy',
    '127.0.0.1/32',
    '--ready-strict',
  ]
  const tried = await runCli({ words: ['init', ...words, '--dry-run'], folder })
  assert.match(tried.stdout, /rescind\.env would be written/)
  assert.ok(FILES.every((name) => !existsSync(join(folder, name))))
  const made = await runCli({ words: ['init', ...words], folder })
  assert.equal(made.code, 0, made.stderr)
  for (const name of FILES) assert.equal(statSync(join(folder, name)).mode & 0o777, 0o600, name)

  const env = readFileSync(join(folder, 'rescind.env'), 'utf8')
  const lines = env.split('\n').filter((line) => /^[^#]/.test(line))
  assert.deepEqual(lines, [
    'RESCIND_PUBLIC_URL=https://tokens.example.org',
    'RESCIND_BEHIND_PROXY=127.0.0.1/32',
    'RESCIND_READY_STRICT=true',
  ])
  assert.match(env, /^# HOST:PORT to listen on.*\n#RESCIND_LISTEN=127\.0\.0\.1:8080$/m)
  assert.doesNotMatch(env, /CONTROL_KEY/)
  const environment = Object.fromEntries(lines.map((line) => line.split('=') as [string, string]))
  const path = join(folder, 'rescind-data/master.key')
  const key = readFileSync(path, 'utf8')
  const server = startCommand(t, { words: ['serve', '--listen', '127.0.0.1:0'], folder, environment })
  await server.says(/"url":"http/)
  server.process.kill('SIGTERM')
  assert.equal((await server.ended).code, 0)
  assert.equal(readFileSync(path, 'utf8'), key)
  assert.equal(statSync(join(folder, 'rescind-data/control.key')).mode & 0o777, 0o600)
})

test('nothing is overwritten, and nothing is half written', async (t) => {
  const folder = homeFor(t)
  assert.equal((await runCli({ words: ['init'], folder })).code, 0)
  const key = readFileSync(join(folder, 'rescind-data/master.key'), 'utf8')
  const again = await runCli({ words: ['init'], folder })
  assert.equal(again.code, 2)
  assert.match(again.stderr, /rescind\.env exists: nothing is overwritten/)
  assert.equal(readFileSync(join(folder, 'rescind-data/master.key'), 'utf8'), key)
  for (const words of [
    ['--listen', 'x'],
    ['--folder', 'a b'],
    ['--store', 'memory:'],
  ])
    assert.equal((await runCli({ words: ['init', ...words], folder: homeFor(t) })).code, 2, words.join(' '))
})

test('the unit is the one of the deploy page, and the compose file keeps the data outside of the container', async (t) => {
  const own = (text: string): readonly string[] =>
    text
      .split('\n')
      .filter((line) => line !== '' && !/^(?:Environment=RESCIND|EnvironmentFile|ReadWritePaths)/.test(line))
  assert.deepEqual(own(systemdFile('/var/lib/rescind')), own(unitText()))
  const folder = homeFor(t)
  await runCli({ words: ['init'], folder })
  const { services } = parse(readFileSync(join(folder, 'compose.yaml'), 'utf8')) as {
    services: { rescind: { command: string[]; volumes: string[]; user: string } }
  }
  assert.deepEqual(services.rescind.volumes, ['./rescind-data:/var/lib/rescind/rescind-data'])
  const [, ...flags] = services.rescind.command
  const explained = await runCli({ words: ['config', 'explain', ...flags], folder })
  assert.equal(explained.code, 0, `${RESCIND} refuses ${flags.join(' ')}: ${explained.stderr}`)
})
