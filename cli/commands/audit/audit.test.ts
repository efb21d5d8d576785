import assert from 'node:assert/strict'
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, afterEach, before, beforeEach, test } from 'node:test'
import { Calls } from '../../../test/kit/calls.ts'
import { type CliEnded, firstLineOf, runCli } from '../../../test/kit/cli/command-line.ts'
import { openServer, type TestServer } from '../../../test/kit/in-process.ts'
import { CONTROL_KEY, type Home, makeQuickHome } from '../../../test/kit/server.ts'

let server: TestServer
let calls: Calls
let home: Home
const environment = (): Record<string, string> => ({ RESCIND_URL: server.url, RESCIND_KEY: CONTROL_KEY })
const run = (...words: string[]): Promise<CliEnded> =>
  runCli({ words, environment: environment(), folder: home.folder })
const offline = (...words: string[]): Promise<CliEnded> => runCli({ words, folder: home.folder })

async function revoke(subject: string, reason: string): Promise<string> {
  const { status, body } = await calls.control('POST /revocations', {
    target: { source: 'oauth', subject },
    reason,
  })
  assert.equal(status, 201)
  return (JSON.parse(body.toString('utf8')) as { id: string }).id
}

before(async () => {
  server = await openServer({ time: 'real' })
  calls = new Calls(server.port)
})
beforeEach(() => {
  home = makeQuickHome()
})
afterEach(() => home.remove())
after(async () => {
  calls.close()
  await server.close()
})

test('an export is written for this user alone, and is right offline', async () => {
  await revoke('ann', 'stolen laptop')
  const { code, stdout } = await run('audit', 'export', '--out', 'export.ndjson')
  assert.equal(code, 0)
  assert.match(stdout, /export\.ndjson: \d+ bytes\. To check it: rescind audit verify export\.ndjson\n$/)
  assert.equal(statSync(join(home.folder, 'export.ndjson')).mode & 0o777, 0o600)
  const checked = await offline('audit', 'verify', 'export.ndjson')
  assert.deepEqual([checked.code, /^default: right: \d+ rows/.test(checked.stdout)], [0, true])
  const printed = await run('audit', 'export')
  assert.equal(printed.stdout, readFileSync(join(home.folder, 'export.ndjson'), 'utf8'))
  const again = await run('audit', 'export', '--out', 'export.ndjson')
  assert.deepEqual([again.code, /exists: name another file/.test(again.stderr)], [2, true])
  const rest = await run('audit', 'export', '--after', '3')
  assert.match(rest.stdout, /^\{"export":"rescind-log","version":1,"realm":"default","after":3,/)
  assert.match((await run('audit', 'export', '--system')).stdout, /^\{"export":[^\n]*"realm":"system"/)
  assert.equal((await run('audit', 'export', '--after', '999999', '--out', 'none.ndjson')).code, 1)
  assert.deepEqual(readdirSync(home.folder), ['export.ndjson'], 'what failed has left nothing')
})

test('a reader that has read enough ends an export quietly', async () => {
  const { stdout, stderr } = await firstLineOf({ words: ['audit', 'export'], environment: environment() })
  assert.match(stdout, /^\{"export":[^\n]+\n$/)
  assert.equal(stderr, '')
})

test('audit verify checks the logs of a server that is named, unless a store is', async () => {
  const named = await run('audit', 'verify')
  assert.equal(named.code, 0, named.stderr)
  assert.match(named.stdout, /^default: right: \d+ rows up to \d+, chain \S+\nsystem: right: \d+ rows/)
  assert.match(named.stderr, /^Checking the logs of http:\/\/127\.0\.0\.1:\d+\.\n$/)
  const store = await run('audit', 'verify', '--store', 'sqlite:none.db')
  assert.deepEqual([store.code, /none\.db does not exist/.test(store.stderr)], [2, true])
  const without = await offline('audit', 'verify')
  assert.equal(without.code, 2)
  const { status, body } = await calls.control('POST /keys', {
    name: 'reader',
    role: 'viewer',
    realm: 'default',
  })
  assert.equal(status, 201)
  const { key } = JSON.parse(body.toString('utf8')) as { key: string }
  const realm = await runCli({
    words: ['audit', 'verify'],
    environment: { ...environment(), RESCIND_KEY: key },
    folder: home.folder,
  })
  assert.equal(realm.code, 0, realm.stderr)
  assert.match(realm.stdout, /^default: right: [^\n]+\nsystem: not checked: a realm's key cannot read it\n$/)
})

test('evidence is written, said and checked at once, and again by whoever gets it', async () => {
  const receipt = await revoke('eve', 'incident 42')
  const made = await run('evidence', '--reason', 'incident 42', '--out', 'evidence.ndjson')
  assert.equal(made.code, 0, made.stderr)
  assert.match(
    made.stdout,
    /evidence\.ndjson: \d+ bytes\ndefault: evidence: right: 1 receipt, rows \d+ to \d+/,
  )
  assert.match(made.stdout, /signed by the expected key, [\w-]{43}$/m)
  assert.equal(statSync(join(home.folder, 'evidence.ndjson')).mode & 0o777, 0o600)
  assert.equal((await offline('audit', 'verify', 'evidence.ndjson')).code, 0)
  const byReceipt = await run('evidence', receipt, '--out', 'two.ndjson', '--json')
  const json = JSON.parse(byReceipt.stdout) as Record<string, unknown>
  assert.deepEqual([json['isRight'], String(json['keyId']).length], [true, 43])
  const text = readFileSync(join(home.folder, 'evidence.ndjson'), 'utf8')
  writeFileSync(join(home.folder, 'altered.ndjson'), text.replace('incident 42', 'incident 43'))
  assert.equal((await offline('audit', 'verify', 'altered.ndjson')).code, 1)
})

test('wrong use is one line, and evidence of nothing is no file', async () => {
  for (const words of [
    ['evidence', '--reason', 'x'],
    ['evidence', '--out', 'x.ndjson'],
    ['evidence', '--out', 'x.ndjson', '--row', 'two'],
    ['audit', 'export', 'file'],
  ]) {
    const { code, stderr } = await run(...words)
    assert.equal(code, 2, words.join(' '))
    assert.match(stderr, /^rescind: [^\n]+\n$/)
  }
  const none = await run('evidence', '--reason', 'no such reason', '--out', 'x.ndjson')
  assert.equal(none.code, 1)
  assert.deepEqual(readdirSync(home.folder), [])
})
