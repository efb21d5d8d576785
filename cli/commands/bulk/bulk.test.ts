import assert from 'node:assert/strict'
import { once } from 'node:events'
import { appendFileSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { after, afterEach, before, beforeEach, test } from 'node:test'
import { Calls } from '../../../test/kit/calls.ts'
import {
  type CliEnded,
  type CliRunning,
  firstLineOf,
  runCli,
  startCli,
} from '../../../test/kit/cli/command-line.ts'
import { StallingProxy } from '../../../test/kit/cli/stalling-proxy.ts'
import { openTerminal } from '../../../test/kit/cli/terminal.ts'
import { openServer, type TestServer } from '../../../test/kit/in-process.ts'
import { CONTROL_KEY, type Home, makeQuickHome, startProcess } from '../../../test/kit/server.ts'

const LINES = 5_000
/** Every so many lines one holds a token. */
const EVERY = 50
const REASON = ['--reason', 'incident 42', '--yes']

let server: TestServer
let home: Home

before(async () => {
  server = await openServer({ time: 'real' })
})
beforeEach(() => {
  home = makeQuickHome()
})
afterEach(() => home.remove())
after(() => server.close())

const environment = (url = server.url): Record<string, string> => ({
  RESCIND_URL: url,
  RESCIND_KEY: CONTROL_KEY,
})
const run = (words: readonly string[], input?: string): Promise<CliEnded> =>
  runCli({
    words: ['bulk', ...words],
    environment: environment(),
    folder: home.folder,
    ...(input === undefined ? {} : { input }),
  })

/** Texts of live tokens. */
async function tokens(count: number, port = server.port): Promise<string[]> {
  const calls = new Calls(port)
  const texts: string[] = []
  for (let nth = 0; nth < count; nth += 1) {
    const { status, body } = await calls.control('POST /grants', {
      clientId: 'svc',
      subject: `u${nth}`,
      scope: 'read',
    })
    assert.equal(status, 201, body.toString('utf8'))
    texts.push((JSON.parse(body.toString('utf8')) as { access_token: string }).access_token)
  }
  calls.close()
  return texts
}

/** A log in which some lines hold a token. */
async function writeLog(name: string, port?: number): Promise<readonly string[]> {
  const texts = await tokens(LINES / EVERY, port)
  const lines = Array.from({ length: LINES }, (_, at) =>
    at % EVERY === 0 ? `GET /orders?access_token=${texts[at / EVERY]} 200` : `line ${at}: nothing to see`,
  )
  writeFileSync(join(home.folder, name), `${lines.join('\n')}\n`)
  return texts
}

type Row = { readonly line: number; readonly result: string; readonly receipt?: string }

function reportOf(name: string): readonly Row[] {
  const path = join(home.folder, name)
  assert.equal(statSync(path).mode & 0o777, 0o600)
  return readFileSync(path, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Row)
}

/** Each line once, in order; every token revoked by this call, with its receipt. */
function assertWhole(rows: readonly Row[]): void {
  assert.deepEqual(
    rows.map(({ line }) => line),
    Array.from({ length: LINES }, (_, at) => at + 1),
  )
  const revoked = rows.filter(({ result }) => result === 'revoked')
  assert.deepEqual(
    revoked.map(({ line }) => line),
    Array.from({ length: LINES / EVERY }, (_, at) => at * EVERY + 1),
  )
  assert.ok(revoked.every(({ receipt }) => /^rev_1_\d+$/.test(receipt ?? '')))
}

function assertNoTokens(texts: readonly string[], besides: string): void {
  for (const one of readdirSync(home.folder, { recursive: true, withFileTypes: true })) {
    if (!one.isFile() || one.name === besides || one.name.includes('.db')) continue
    const path = join(one.parentPath, one.name)
    const text = readFileSync(path, 'latin1')
    assert.ok(!texts.some((token) => text.includes(token)), path)
  }
}

function states(): readonly string[] {
  const folder = join(home.folder, '.local/state/rescind/bulk')
  return readdirSync(folder).map((name) => join(folder, name))
}

test('a list is revoked, and its report has each line once, as CSV that no spreadsheet runs', async () => {
  const [token = ''] = await tokens(1)
  writeFileSync(join(home.folder, 'leak.txt'), `x ${token}\nnothing\n`)
  const tried = await run(['leak.txt', '--dry-run'])
  assert.equal(tried.code, 0, tried.stderr)
  assert.match(tried.stdout, /^2 lines:\n1 +would be revoked\n1 +nothing of ours\nNothing was changed/)
  const done = await run(['leak.txt', ...REASON, '--report', 'r.csv'])
  assert.equal(done.code, 0, done.stderr)
  assert.match(
    done.stdout,
    /^2 lines:\n1 +revoked\n1 +nothing of ours\nReport: .*r\.csv\nReceipts: rescind receipts --cause blk_/,
  )
  const [heads, first, second, ...rest] = readFileSync(join(home.folder, 'r.csv'), 'utf8').split('\r\n')
  assert.equal(
    heads,
    'line,result,handle,source,subject,client,receipt,grant,jti,realm,why,credential,endedBy',
  )
  assert.match(first ?? '', /^1,revoked,tok_[^,]+,oauth,u0,svc,rev_1_\d+,,/)
  assert.deepEqual([second, rest], ['2,notOurs,,,,,,,,,,,', ['']])
  assert.equal(statSync(join(home.folder, 'r.csv')).mode & 0o777, 0o600)
  assertNoTokens([token], 'leak.txt')
  assert.deepEqual(states(), [])
  const again = await run(['leak.txt', ...REASON, '--report', 'r.csv'])
  assert.equal(again.code, 2)
  assert.match(again.stderr, /r\.csv exists: name another file: nothing is overwritten/)
})

test('with --json each result is a line, and the last one sums up', async () => {
  const [token = ''] = await tokens(1)
  const { code, stdout } = await run(['-', ...REASON, '--json'], `${token}\nx`)
  assert.equal(code, 0)
  const lines = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>)
  assert.deepEqual(
    lines.map(({ line, result, done }) => line ?? result ?? done),
    [1, 2, true],
  )
  assert.ok(!stdout.includes(token))
})

test('it goes on to the end when whoever read its output has gone', async () => {
  await writeLog('leak.txt')
  const { stdout, stderr } = await firstLineOf({
    words: ['bulk', 'leak.txt', ...REASON, '--json', '--report', 'report.ndjson'],
    ...{ environment: environment(), folder: home.folder },
  })
  assert.match(stdout, /^\{"line":1,[^\n]*\n$/)
  assert.equal(stderr, '')
  assertWhole(reportOf('report.ndjson'))
  assert.deepEqual(states(), [])
})

test('the report may be evidence of the call, made once all is done', async () => {
  const [token = ''] = await tokens(1)
  const { code, stdout, stderr } = await run(
    ['-', ...REASON, '--report', 'e.ndjson', '--format', 'evidence'],
    `${token}\n`,
  )
  assert.equal(code, 0, stderr)
  assert.match(stdout, /^default: evidence: right: 1 receipt, /m)
  const checked = await runCli({ words: ['audit', 'verify', 'e.ndjson'], folder: home.folder })
  assert.equal(checked.code, 0, checked.stderr)
  assertNoTokens([token], '')
})

test('the exit code says that something in the list is not over', async () => {
  const key = await run(['-', ...REASON], `${CONTROL_KEY}\n`)
  assert.equal(key.code, 1)
  assert.match(key.stdout, /1 +keys or secrets, which are not ended/)
  assert.equal((await run(['-', '--dry-run'], `${CONTROL_KEY}\n`)).code, 0)
})

test('wrong use is one line; a refused call leaves nothing to go on with', async () => {
  writeFileSync(join(home.folder, 'leak.txt'), 'x\n')
  for (const words of [
    ['leak.txt'],
    ['none.txt', ...REASON],
    ['leak.txt', '--reason', 'x'],
    ['leak.txt', ...REASON, '--format=csv'],
  ]) {
    const { code, stderr } = await run(words)
    assert.equal(code, 2, words.join(' '))
    assert.match(stderr, /^rescind: [^\n]+\n$/)
  }
  const refused = await runCli({
    words: ['bulk', 'leak.txt', ...REASON, '--report', 'r.csv'],
    environment: { ...environment(), RESCIND_KEY: 'no-such-key' },
    folder: home.folder,
  })
  assert.equal(refused.code, 1)
  assert.deepEqual([states(), readdirSync(home.folder).sort()], [[], ['.local', 'leak.txt']])
})

/** Refuses everything, and closes on whoever goes on sending. */
async function openRefusing(): Promise<Server> {
  const refusing = createServer((request, response) => {
    let bytes = 0
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length
      if (bytes > 100_000) request.socket.destroy()
    })
    request.on('end', () => {
      response.writeHead(403, { 'content-type': 'application/problem+json' })
      response.end(JSON.stringify({ status: 403, detail: 'this key may only look' }))
    })
  })
  refusing.listen(0, '127.0.0.1')
  await once(refusing, 'listening')
  return refusing
}

test('a refusal is told however long the list is', async (t) => {
  const refusing = await openRefusing()
  t.after(() => refusing.close())
  writeFileSync(join(home.folder, 'long.txt'), 'nothing to see in this line of a log\n'.repeat(50_000))
  const { code, stderr } = await runCli({
    words: ['bulk', 'long.txt', ...REASON],
    environment: environment(`http://127.0.0.1:${(refusing.address() as AddressInfo).port}`),
    folder: home.folder,
  })
  assert.equal(code, 1)
  assert.match(stderr, /this key may only look: use a key/)
  assert.deepEqual(states(), [])
})

test('[kill -9, Ctrl-C] whenever the client ends, the same command goes on, and the report has each line once', async (t) => {
  const texts = await writeLog('leak.txt')
  const proxy = await StallingProxy.open(server.port)
  t.after(() => proxy.close())
  const words = ['bulk', 'leak.txt', ...REASON, '--report', 'report.ndjson']
  const moments = [{ up: 40_000 }, { down: 600 }, { up: 120_000 }, { down: 40_000 }, { down: 50_000 }]
  for (const [nth, stall] of moments.entries()) {
    const stalled = proxy.stallAfter(stall)
    const client = startCli({ words, environment: environment(proxy.url), folder: home.folder })
    await stalled
    client.process.kill(nth % 2 === 0 ? 'SIGKILL' : 'SIGINT')
    assert.equal(await client.ended, nth % 2 === 0 ? null : 130, client.stderr())
    if (nth % 2 === 1) assert.match(client.stderr(), /To go on, run the same command with the same list/)
    const [state = ''] = states()
    assert.equal(statSync(state).mode & 0o777, 0o600)
    assertNoTokens(texts, 'leak.txt')
  }
  void proxy.stallAfter({})
  const last = await runCli({ words, environment: environment(proxy.url), folder: home.folder })
  assert.equal(last.code, 0, last.stderr)
  assert.match(last.stderr, /Going on after line/)
  assertWhole(reportOf('report.ndjson'))
  assertNoTokens(texts, 'leak.txt')
  assert.deepEqual(states(), [])
  assert.deepEqual(readdirSync(home.folder).sort(), ['.local', 'leak.txt', 'report.ndjson'])
})

test('[kill -9] a server that is killed and comes back is asked to go on', async (t) => {
  const first = await startProcess({ home })
  const port = Number(new URL(first.url).port)
  const texts = await writeLog('leak.txt', port)
  const proxy = await StallingProxy.open(port)
  const stalled = proxy.stallAfter({ down: 150_000 })
  const client = startCli({
    words: ['bulk', 'leak.txt', ...REASON, '--report', 'report.ndjson'],
    environment: environment(proxy.url),
    folder: home.folder,
  })
  t.after(() => {
    client.process.kill('SIGKILL')
    proxy.close()
  })
  await stalled
  void proxy.stallAfter({})
  await first.kill()
  await client.prints(/going on in 1 s after line/)
  const second = await startProcess({ home, flags: ['--listen', `127.0.0.1:${port}`] })
  t.after(() => second.kill())
  assert.equal(await client.ended, 0, client.stderr())
  assertWhole(reportOf('report.ndjson'))
  assertNoTokens(texts, 'leak.txt')
})

test('a list that has changed since it was interrupted is refused, unless a new call is asked for', async (t) => {
  await writeLog('leak.txt')
  const proxy = await StallingProxy.open(server.port)
  t.after(() => proxy.close())
  const stalled = proxy.stallAfter({ down: 60_000 })
  const words = ['bulk', 'leak.txt', ...REASON, '--report', 'report.ndjson']
  const client = startCli({ words, environment: environment(proxy.url), folder: home.folder })
  await stalled
  client.process.kill('SIGKILL')
  await client.ended
  void proxy.stallAfter({})
  const other = { environment: environment(proxy.url), folder: home.folder }
  const tried = await runCli({ words: ['bulk', 'leak.txt', '--dry-run'], ...other })
  assert.equal(tried.code, 0, tried.stderr)
  const otherReason = await runCli({ words: ['bulk', 'leak.txt', '--reason', 'another', '--yes'], ...other })
  assert.equal(otherReason.code, 1)
  assert.match(otherReason.stderr, /an interrupted call with this list was asked for something else/)
  appendFileSync(join(home.folder, 'leak.txt'), 'one more line\n')
  const refused = await runCli({ words, ...other })
  assert.equal(refused.code, 1)
  assert.match(
    refused.stderr,
    /^rescind: this list is not the one that was interrupted after line [\d,]+: give that list/,
  )
  const anew = await runCli({ words: [...words, '--restart'], ...other })
  assert.equal(anew.code, 0, anew.stderr)
  assert.deepEqual(states(), [])
  assert.equal(reportOf('report.ndjson').length, LINES + 1)
})

test('standard input goes on when the same list is given again', async (t) => {
  await writeLog('leak.txt')
  // So long that the beginning, by which it is known again, is a small part of it.
  const input = readFileSync(join(home.folder, 'leak.txt'), 'utf8').replaceAll('\n', `${' '.repeat(100)}\n`)
  const proxy = await StallingProxy.open(server.port)
  t.after(() => proxy.close())
  const words = ['bulk', '-', ...REASON, '--report', 'report.ndjson']
  const of = { words, environment: environment(proxy.url), folder: home.folder, input }
  const stalled = proxy.stallAfter({ down: 100_000 })
  const client = startCli(of)
  await stalled
  client.process.kill('SIGINT')
  assert.equal(await client.ended, 130)
  void proxy.stallAfter({})
  const changed = await runCli({ ...of, input: input.replace('line 1999:', 'another:') })
  assert.equal(changed.code, 1)
  assert.match(changed.stderr, /this list is not the one that was interrupted after line/)
  const done = await runCli(of)
  assert.equal(done.code, 0, done.stderr)
  assertWhole(reportOf('report.ndjson'))
})

test('a report overwrites no file that another process has made meanwhile, and is written later', async (t) => {
  await writeLog('leak.txt')
  const proxy = await StallingProxy.open(server.port)
  t.after(() => proxy.close())
  const of = {
    words: ['bulk', 'leak.txt', ...REASON, '--report', 'report.ndjson'],
    ...{ environment: environment(proxy.url), folder: home.folder },
  }
  const stalled = proxy.stallAfter({ down: 60_000 })
  const client = startCli(of)
  await stalled
  writeFileSync(join(home.folder, 'report.ndjson'), 'of another', { mode: 0o600 })
  client.process.kill('SIGKILL')
  await client.ended
  void proxy.stallAfter({})
  const { code, stderr } = await runCli(of)
  assert.equal(code, 1)
  assert.match(stderr, /every line is done, but .*report\.ndjson was made by another process meanwhile/)
  assert.equal(readFileSync(join(home.folder, 'report.ndjson'), 'utf8'), 'of another')
  rmSync(join(home.folder, 'report.ndjson'))
  assert.equal((await runCli(of)).code, 0)
  assertWhole(reportOf('report.ndjson'))
  assert.deepEqual(readdirSync(home.folder).sort(), ['.local', 'leak.txt', 'report.ndjson'])
})

test('of two that are started with the same list one is told that the other works on it', async (t) => {
  await writeLog('leak.txt')
  const proxy = await StallingProxy.open(server.port)
  t.after(() => proxy.close())
  void proxy.stallAfter({ up: 40_000 })
  const start = (name: string, ...more: string[]): CliRunning =>
    startCli({
      words: ['bulk', 'leak.txt', ...REASON, '--report', name, ...more],
      ...{ environment: environment(proxy.url), folder: home.folder },
    })
  const both = [start('a.ndjson'), start('b.ndjson')] as const
  t.after(() => both.map((one) => one.process.kill('SIGKILL')))
  const code = await Promise.race(both.map(({ ended }) => ended))
  assert.equal(code, 1)
  const told = both.map((one) => one.stderr()).join('')
  assert.match(told, /^rescind: another process \(\d+\) works on this list: wait until it has ended\n$/)
  assert.equal(await start('c.ndjson', '--restart').ended, 1)
  for (const one of both) one.process.kill('SIGKILL')
  await Promise.all(both.map(({ ended }) => ended))
  const name = readdirSync(home.folder).find((one) => one.endsWith('.part')) ?? ''
  const report = name.replace('.part', '')
  void proxy.stallAfter({})
  const last = start(report)
  assert.equal(await last.ended, 0, last.stderr())
  assertWhole(reportOf(report))
  assert.deepEqual(states(), [])
})

test('a terminal shows progress with a rate, asks first, and Ctrl-C says how to go on', async (t) => {
  await writeLog('leak.txt')
  const proxy = await StallingProxy.open(server.port)
  void proxy.stallAfter({ down: 150_000 })
  const terminal = openTerminal({
    words: ['bulk', 'leak.txt', '--reason', 'incident 42'],
    environment: environment(proxy.url),
    folder: home.folder,
  })
  t.after(() => {
    terminal.kill()
    proxy.close()
  })
  await terminal.shows(/5,000 lines[^]*End them\?/)
  terminal.type('y')
  await terminal.shows(/[█░]+ \d+ %, [\d,]+ of 5,000 lines, [\d,]+ lines\/s, \d+ s left\nrevoked \d+/)
  terminal.type('\x03')
  assert.equal(await terminal.ended, 130)
  await terminal.shows(/Stopped\. The first [\d,]+ lines are done/)
  assert.ok(!/lines\/s/.test(terminal.screen), 'progress has made room')
})
