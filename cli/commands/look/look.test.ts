import assert from 'node:assert/strict'
import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { Calls } from '../../../test/kit/calls.ts'
import { firstLineOf, runCli } from '../../../test/kit/cli/command-line.ts'
import { openTerminal } from '../../../test/kit/cli/terminal.ts'
import { openServer, type TestServer } from '../../../test/kit/in-process.ts'
import { CONTROL_KEY, makeQuickHome } from '../../../test/kit/server.ts'

let server: TestServer
let calls: Calls
let environment: Readonly<Record<string, string>>
const run = (...words: string[]): ReturnType<typeof runCli> => runCli({ words, environment })
const rows = (text: string): Record<string, unknown>[] =>
  text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>)

async function control(line: string, body?: unknown): Promise<Record<string, unknown>> {
  const { status, body: text } = await calls.control(line, body)
  assert.ok(status < 300, `${line}: ${status} ${text.toString('utf8')}`)
  return JSON.parse(text.toString('utf8')) as Record<string, unknown>
}

before(async () => {
  server = await openServer({ time: 'real' })
  calls = new Calls(server.port)
  environment = { RESCIND_URL: server.url, RESCIND_KEY: CONTROL_KEY }
  for (const subject of ['ann', 'ann', 'bob'])
    await control('POST /grants', { clientId: 'svc', subject, scope: 'read' })
})
after(async () => {
  calls.close()
  await server.close()
})

test('tokens lists what is live of a subject, as a table and as lines of JSON', async () => {
  const { code, stdout } = await run('tokens', '--subject', 'ann')
  assert.equal(code, 0)
  const [heads, ...lines] = stdout.trimEnd().split('\n')
  assert.match(heads ?? '', /^handle +state +kind +source +subject +client +grant +expires$/)
  assert.equal(lines.length, 4)
  for (const line of lines)
    assert.match(line, /^tok_\S+ +active +(access|refresh) +oauth +ann +svc +grt_\S+ +\d{4}-/)
  const json = await run('tokens', '--subject', 'ann', '--json')
  assert.equal(rows(json.stdout).length, 4)
  assert.ok(!/rs[ar]_/.test(stdout + json.stdout), 'no text of a token')
})

test('tokens says that there are more than the limit, and --all reads on', async () => {
  const { stdout, stderr } = await run('tokens', '--limit', '2')
  assert.equal(stdout.trimEnd().split('\n').length, 3)
  assert.match(stderr, /There are more: --limit, or --all/)
  const all = await run('tokens', '--all', '--json')
  assert.ok(rows(all.stdout).length >= 6)
  const none = await run('tokens', '--subject', 'nobody')
  assert.deepEqual([none.code, none.stdout], [0, 'No such tokens.\n'])
  assert.equal((await run('tokens', '--subject', 'nobody', '--json')).stdout, '')
})

test('grants counts the tokens of each grant', async () => {
  const { code, stdout } = await run('grants', '--subject', 'ann')
  assert.equal(code, 0)
  assert.match(
    stdout,
    /^grant +source +subject +client +tokens +last expires\n(grt_\S+ +oauth +ann +svc +2 +\d.*\n){2}$/,
  )
  const limited = await run('grants', '--limit', '1', '--json')
  assert.equal(rows(limited.stdout).length, 1)
})

test('receipts are listed by their filters, and one is told with who refuses it', async () => {
  const made = await control('POST /revocations', {
    target: { source: 'oauth', subject: 'bob' },
    reason: 'a lost laptop',
  })
  const id = String(made['id'])
  const list = await run('receipts', '--reason', 'a lost laptop')
  assert.match(
    list.stdout,
    new RegExp(`^${id} +\\d.* +everything of subject bob in oauth +first +a lost laptop$`, 'm'),
  )
  assert.equal((await run('receipts', '--reason', 'no such reason')).stdout, 'No such receipts.\n')
  const told = await run('receipts', 'show', id)
  assert.match(told.stdout, /^covers +everything of subject bob in oauth$/m)
  assert.match(told.stdout, /No verifier is known/)
  const json = JSON.parse((await run('receipts', 'show', id, '--json')).stdout) as Record<string, unknown>
  assert.deepEqual([json['id'], json['enforced']], [id, true])
  const none = await run('receipts', 'show', 'rev_1_999999')
  assert.deepEqual([none.code, none.stdout], [1, ''])
  assert.match(none.stderr, /^rescind: no such revocation[^\n]+\n$/)
})

test('wrong use of a list is one line, and exit code 2', async () => {
  for (const words of [
    ['tokens', '--limit', '0'],
    ['tokens', '--limit', '5', '--all'],
    ['tokens', '--state', 'dead'],
    ['grants', '--limit=x'],
    ['receipts', 'show'],
    ['verifiers', 'ann'],
  ]) {
    const { code, stdout, stderr } = await run(...words)
    assert.deepEqual([code, stdout], [2, ''], words.join(' '))
    assert.match(stderr, /^rescind: [^\n]+\n$/)
  }
})

test('verifiers is printed once into a pipe, and drawn again in place on a terminal', async (t) => {
  await control('POST /verifiers', { name: 'shop-api' })
  const piped = await run('verifiers')
  assert.match(piped.stdout, /^verifier +label +instance [^]*\nshop-api +- +- +never seen/)
  const json = JSON.parse((await run('verifiers', '--json')).stdout) as { verifiers: { name: string }[] }
  assert.deepEqual(
    json.verifiers.map(({ name }) => name),
    ['orders-api', 'shop-api'],
  )
  const terminal = openTerminal({ words: ['verifiers'], environment })
  t.after(() => terminal.kill())
  await terminal.shows(/shop-api +- +- +never seen/)
  await control('POST /verifiers', { name: 'billing' })
  await terminal.shows(/billing +- +- +never seen/)
  assert.equal(terminal.screen.match(/shop-api/g)?.length, 1, 'the table is drawn over itself')
  terminal.type('\x03')
  assert.equal(await terminal.ended, 130)
})

test('a key of a verifier is rotated into a private file, and the one before is retired', async () => {
  const home = makeQuickHome()
  const here = (...words: string[]): ReturnType<typeof runCli> =>
    runCli({ words, environment, folder: home.folder })
  await control('POST /verifiers', { name: 'rotated' })
  assert.match((await here('verifiers', 'rotate', 'rotated', '--dry-run')).stdout, /would get another key/)
  assert.equal((await here('verifiers', 'rotate', 'rotated')).code, 2)
  const rotated = await here('verifiers', 'rotate', 'rotated', '--secret-file', 'new.key')
  assert.equal(rotated.code, 0, rotated.stderr)
  const file = join(home.folder, 'new.key')
  assert.equal(statSync(file).mode & 0o777, 0o600)
  assert.ok(!rotated.stdout.includes(readFileSync(file, 'utf8').trim()))
  assert.match((await here('verifiers')).stdout, /^rotated \(2 keys\)/m)
  assert.equal((await here('verifiers', 'retire', 'rotated')).code, 2, 'it asks, and nobody is there')
  const retired = await here('verifiers', 'retire', 'rotated', '--yes')
  assert.match(retired.stdout, /^The older key of verifier rotated is refused/)
  assert.equal((await here('verifiers', 'retire', 'rotated', '--yes')).code, 1)
  home.remove()
})

test('exposure shows who accepted a token, and what cannot be told', async () => {
  const grant = await control('POST /grants', { clientId: 'svc', subject: 'eve', scope: 'read' })
  const token = String(grant['access_token'])
  const found = await control('POST /tokens/lookup', { token })
  const { handle } = found['facts'] as { handle: string }
  await calls.control('POST /verify', { token })
  const never = await run('exposure', handle)
  assert.equal(never.code, 0, never.stderr)
  assert.match(never.stdout, /^Who accepted it \(at least these\)\n/)
  const { status } = await calls.send('GET /check', [`Authorization: Bearer ${token}`])
  assert.equal(status, 200)
  assert.match(
    (await run('exposure', handle)).stdout,
    new RegExp(`^${handle} +check +- +\\d.* this server$`, 'm'),
  )
  const json = JSON.parse((await run('exposure', handle, '--json')).stdout) as Record<string, unknown>
  assert.equal(json['complete'], false)
  const made = await control('POST /revocations', { target: { handle }, reason: 'leaked' })
  const shown = await run('receipts', 'show', String(made['id']))
  assert.match(shown.stdout, new RegExp(`^${handle} +check `, 'm'))
  assert.equal((await run('exposure', 'tok_none')).code, 1)
  for (const words of [
    ['exposure'],
    ['exposure', '--jti', 'x'],
    ['exposure', handle, '--jti', 'x', '--issuer', 'y'],
  ])
    assert.equal((await run(...words)).code, 2)
})

test('stats shows the numbers of the realm and the node, once or live', async (t) => {
  const once = await run('stats')
  assert.match(once.stdout, /^Realm default, /)
  assert.match(once.stdout, /^live tokens +(?:at least )?\d+/m)
  assert.match(once.stdout, /^Node \S+, all realms/m)
  const json = JSON.parse((await run('stats', '--json')).stdout) as Record<string, unknown>
  assert.equal(json['realm'], 'default')
  const terminal = openTerminal({ words: ['stats', '--live'], environment })
  t.after(() => terminal.kill())
  await terminal.shows(/Ctrl-C ends it/)
  await terminal.shows(/Realm default, /)
  assert.equal(terminal.screen.match(/Realm default/g)?.length, 1)
  terminal.type('\x03')
  assert.equal(await terminal.ended, 130)
})

test('a reader that has read enough ends a list quietly', async () => {
  const { stdout, stderr } = await firstLineOf({ words: ['tokens', '--all', '--json'], environment })
  assert.deepEqual([stdout.split('\n').length, stderr], [2, ''])
})
