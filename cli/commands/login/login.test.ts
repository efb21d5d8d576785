import assert from 'node:assert/strict'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { after, afterEach, before, beforeEach, test } from 'node:test'
import { runCli } from '../../../test/kit/cli/command-line.ts'
import { openTerminal } from '../../../test/kit/cli/terminal.ts'
import { openServer, type TestServer } from '../../../test/kit/in-process.ts'
import { CONTROL_KEY, type Home, makeQuickHome } from '../../../test/kit/server.ts'

let server: TestServer
let home: Home
const profiles = (): string => join(home.folder, '.config/rescind/profiles.json')

before(async () => {
  server = await openServer({ time: 'real' })
})
beforeEach(() => {
  home = makeQuickHome()
})
afterEach(() => home.remove())
after(() => server.close())

test('a key that is typed into a terminal is on no screen, and in no file but the profile', async (t) => {
  const terminal = openTerminal({
    words: ['login', '--url', server.url, '--profile', 'here'],
    folder: home.folder,
  })
  t.after(() => terminal.kill())
  await terminal.shows(/Control key for http/)
  terminal.type(`${CONTROL_KEY}\r`)
  assert.equal(await terminal.ended, 0, terminal.screen)
  assert.match(terminal.screen, /Logged in to http.* as profile "here"/)
  assert.ok(!terminal.bytes.includes(CONTROL_KEY))
  const files = readdirSync(home.folder, { recursive: true, withFileTypes: true }).filter((one) =>
    one.isFile(),
  )
  const holding = files
    .map((one) => join(one.parentPath, one.name))
    .filter((path) => readFileSync(path, 'utf8').includes(CONTROL_KEY))
  assert.deepEqual(holding, [profiles()])
  assert.equal(statSync(profiles()).mode & 0o777, 0o600)
  const { stdout } = await runCli({ words: ['profiles'], folder: home.folder })
  assert.match(stdout, /^here +http:\/\/127\.0\.0\.1:\d+\/ +default +current$/m)
  assert.ok(!stdout.includes(CONTROL_KEY))
})

test('Ctrl-C in the prompt ends with 130, and stores nothing', async (t) => {
  const terminal = openTerminal({ words: ['login', '--url', server.url], folder: home.folder })
  t.after(() => terminal.kill())
  await terminal.shows(/Control key for http/)
  terminal.type('\x03')
  assert.equal(await terminal.ended, 130)
  assert.throws(() => statSync(profiles()))
})

test('a wrong key is not stored, and the refusal says what to do', async () => {
  const { code, stderr } = await runCli({
    words: ['login', '--url', server.url],
    environment: { RESCIND_KEY: 'a-key-that-nobody-has' },
    folder: home.folder,
  })
  assert.equal(code, 1)
  assert.match(stderr, /^rescind: [^\n]+: check the key: [^\n]+\n$/)
  assert.throws(() => statSync(profiles()))
})

test('without a terminal the refusal names the variables that hold a key', async () => {
  const { code, stderr } = await runCli({ words: ['login', '--url', server.url], folder: home.folder })
  assert.equal(code, 2)
  assert.match(stderr, /no terminal: set RESCIND_KEY_FILE or RESCIND_KEY/)
})

test('a profile is forgotten by logout, by name or all of them', async () => {
  const environment = { RESCIND_KEY: CONTROL_KEY }
  for (const name of ['a', 'b', 'c'])
    await runCli({
      words: ['login', '--url', server.url, '--profile', name],
      environment,
      folder: home.folder,
    })
  assert.equal((await runCli({ words: ['logout', '--profile', 'a'], folder: home.folder })).code, 0)
  const { stdout } = await runCli({ words: ['profiles', '--json'], folder: home.folder })
  assert.deepEqual(
    (JSON.parse(stdout) as { name: string }[]).map(({ name }) => name),
    ['b', 'c'],
  )
  const again = await runCli({ words: ['logout', '--profile', 'a'], folder: home.folder })
  assert.deepEqual(
    [again.code, again.stderr],
    [2, 'rescind: there is no profile "a": see: rescind profiles\n'],
  )
  await runCli({ words: ['logout', '--all'], folder: home.folder })
  assert.ok(!readFileSync(profiles(), 'utf8').includes(CONTROL_KEY))
})
