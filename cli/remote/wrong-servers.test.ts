import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { openSync } from 'node:fs'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type TestContext, test } from 'node:test'
import { type CliEnded, RESCIND, runCli } from '../../test/kit/cli/command-line.ts'
import { openTerminal } from '../../test/kit/cli/terminal.ts'

type Json = Readonly<Record<string, unknown>>
type Stub = {
  readonly paths: string[]
  readonly environment: Readonly<Record<string, string>>
  readonly run: (...words: readonly string[]) => Promise<CliEnded>
}

/** A server that answers what a test says, and the commands that are sent to it. */
async function stub(
  t: TestContext,
  answer: (call: string, response: ServerResponse) => Json | undefined,
): Promise<Stub> {
  const paths: string[] = []
  const server = createServer((request, response) => {
    request.resume().on('end', () => {
      const call = `${request.method} ${request.url}`
      paths.push(call)
      const body = answer(call, response)
      if (body !== undefined)
        response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body))
    })
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  t.after(() => server.close())
  t.after(() => server.closeAllConnections())
  const environment = {
    RESCIND_URL: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    RESCIND_KEY: 'NOT-A-SECRET-key-of-the-client-tests',
  }
  return { paths, environment, run: (...words) => runCli({ words, environment }) }
}

const TARGET = ['--source', 'oauth', '--subject', 'ann', '--reason', 'leak', '--yes']
const RECEIPT = { id: 'rev_1_1', digest: 'd', enforced: false }

test('nothing is told as done, or as empty, by the answer of something else', async (t) => {
  const { run } = await stub(t, () => ({}))
  const lines = [
    ['revoke', ...TARGET],
    ['hold', ...TARGET],
    ['schedule', ...TARGET, '--at', '2030-01-01T00:00:00Z'],
    ['approvals', 'approve', 'apr_1', '--yes'],
    ['hold', 'revoke', 'hold_1', '--yes'],
    ['release', 'hold_1', '--yes'],
    ['receipts'],
    ['tokens'],
    ['verifiers'],
  ]
  for (const { code, stdout, stderr } of await Promise.all(lines.map((words) => run(...words)))) {
    assert.match(stderr, /answers, but not as the control API of Rescind/)
    assert.deepEqual([code, stdout], [1, ''])
  }
})

test('a server that goes on without an end is not waited for longer than --wait', async (t) => {
  const { run } = await stub(t, (call, response) => {
    if (!call.includes('/events')) return RECEIPT
    response.writeHead(200, { 'content-type': 'text/event-stream' }).write(':\n\n')
    return undefined
  })
  const { code, stderr } = await run('revoke', ...TARGET, '--wait=0.1')
  assert.equal(code, 3, stderr)
})

test('events that cannot be read are no bug, and do not hide that it is revoked', async (t) => {
  const { run } = await stub(t, (call, response) => {
    if (!call.includes('/events')) return RECEIPT
    response.writeHead(200, { 'content-type': 'text/event-stream' }).end('event: receipt\ndata: {oops\n\n')
    return undefined
  })
  const { code, stdout } = await run('revoke', ...TARGET, '--wait=0.1')
  assert.equal(code, 3)
  assert.match(stdout, /receipt +rev_1_1/)
})

test('what was approved is told as revoked, though its receipt cannot be read', async (t) => {
  const { run } = await stub(t, (call, response) => {
    if (!call.startsWith('GET') || !call.includes('/revocations/'))
      return { id: 'apr_1', revocation: 'rev_1_1' }
    response.writeHead(403, { 'content-type': 'application/problem+json' }).end('{"detail":"no"}')
    return undefined
  })
  for (const words of [
    ['approvals', 'approve', 'apr_1'],
    ['hold', 'revoke', 'hold_1'],
  ]) {
    const { code, stderr } = await run(...words, '--yes')
    assert.equal(code, 3)
    assert.match(stderr, /it is revoked \(receipt rev_1_1\), but who refuses it is unknown/)
  }
})

test('no token gets into an address, and no id leads to another path', async (t) => {
  const token = 'rso_NOT-A-SECRET-0123456789'
  const { run, paths } = await stub(t, () => RECEIPT)
  for (const words of [
    ['get', 'tokens', token],
    ['tokens', '--subject', token],
    ['receipts', 'show', token],
    ['release', token, '--yes'],
    ['get', 'chat-clients', '..', 'ann'],
    ['get', 'users', '.'],
    ['receipts', 'show', ''],
  ]) {
    const { code, stdout, stderr } = await run(...words, '-v')
    assert.equal(code, 2, words.join(' '))
    assert.ok(!`${stdout}${stderr}`.includes(token))
  }
  assert.deepEqual(paths, [])
})

test('a name in a question cannot control the terminal', async (t) => {
  const covers = { kind: 'principals', source: 'oauth', subject: 'ann\u001b[31m\u009b2J' }
  const { environment } = await stub(t, () => ({ ...RECEIPT, covers }))
  const terminal = openTerminal({ words: ['revoke', ...TARGET.slice(0, -1)], environment })
  t.after(() => terminal.kill())
  await terminal.shows(/Revoke everything of subject ann\\u\{1b\}\[31m\\u\{9b\}2J/)
})

test('a full disk behind standard output is told in one line', async (t) => {
  const { environment } = await stub(t, () => RECEIPT)
  for (const [words, what] of [
    [['revoke', ...TARGET], 'what was asked for may have been done'],
    [['get', 'settings'], 'the output is not whole'],
  ] as const) {
    const stdio = ['ignore', openSync('/dev/full', 'w'), 'pipe'] as const
    const child = spawn(process.execPath, [RESCIND, ...words], { env: environment, stdio: [...stdio] })
    let stderr = ''
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (stderr += text))
    const [code] = (await once(child, 'close')) as [number]
    assert.equal(code, 1)
    assert.ok(stderr.endsWith(`rescind: standard output cannot be written (ENOSPC): ${what}\n`), stderr)
  }
})
