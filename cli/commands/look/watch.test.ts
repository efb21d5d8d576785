import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Calls } from '../../../test/kit/calls.ts'
import { startCli } from '../../../test/kit/cli/command-line.ts'
import { openTerminal } from '../../../test/kit/cli/terminal.ts'
import { openServer } from '../../../test/kit/in-process.ts'
import { CONTROL_KEY, makeQuickHome, startProcess } from '../../../test/kit/server.ts'

const TARGET = { source: 'oauth', subject: 'ann' }

test('watch says in words who did what and why, as it happens', async (t) => {
  const server = await openServer({ time: 'real' })
  const calls = new Calls(server.port)
  const environment = { RESCIND_URL: server.url, RESCIND_KEY: CONTROL_KEY }
  const terminal = openTerminal({ words: ['watch', '--since', '2020-01-01T00:00:00Z'], environment })
  t.after(async () => {
    terminal.kill()
    calls.close()
    await server.close()
  })
  await terminal.shows(/changed oauthClients svc/)
  await calls.control('POST /revocations', { target: TARGET, reason: 'stolen \u001b[31mlaptop' })
  await terminal.shows(/revoked everything of subject ann in oauth by first from 127\.0\.0\.1: stolen/)
  await terminal.shows(/laptop/)
  assert.ok(!terminal.bytes.includes('\u001b[31mlaptop'), 'what a reason holds controls no terminal')
  const hold = await calls.control('POST /holds', {
    ...{ target: { source: 'oauth', client: 'svc' }, reason: 'odd traffic', seconds: 3_600 },
    atDeadline: 'release',
  })
  const { id } = JSON.parse(hold.body.toString('utf8')) as { id: string }
  await terminal.shows(/held everything of client svc in oauth \(hold_/)
  await calls.control(`POST /holds/${id}/release`, { reason: 'a test' })
  await terminal.shows(/released hold_\S+ by first/)
  terminal.type('\x03')
  assert.equal(await terminal.ended, 130)
})

test('watch loses and doubles no row when the server is killed and comes back', async (t) => {
  const home = makeQuickHome()
  const first = await startProcess({ home })
  const { port } = new URL(first.url)
  const environment = { RESCIND_URL: first.url, RESCIND_KEY: CONTROL_KEY }
  const watch = startCli({
    words: ['watch', '--json', '--since', '2020-01-01T00:00:00Z'],
    environment,
    folder: home.folder,
  })
  t.after(() => {
    watch.process.kill('SIGKILL')
    home.remove()
  })
  const revoke = async (reason: string): Promise<void> => {
    const calls = new Calls(Number(port))
    const { status } = await calls.control('POST /revocations', { target: TARGET, reason })
    assert.equal(status, 201)
    calls.close()
  }
  await revoke('one')
  await watch.prints(/"why":"one"/)
  await first.kill()
  const second = await startProcess({ home, flags: ['--listen', `127.0.0.1:${port}`] })
  t.after(() => second.kill())
  await revoke('two')
  await watch.prints(/"why":"two"/)
  watch.process.kill('SIGINT')
  assert.equal(await watch.ended, 130)
  const seqs = watch
    .stdout()
    .trimEnd()
    .split('\n')
    .map((line) => (JSON.parse(line) as { seq: number }).seq)
  assert.deepEqual(
    seqs,
    seqs.map((_, at) => (seqs[0] ?? 0) + at),
    'in order, without a gap',
  )
})

test('watch ends when the log has another history', async (t) => {
  const home = makeQuickHome()
  const other = makeQuickHome()
  const first = await startProcess({ home })
  const { port } = new URL(first.url)
  const watch = startCli({
    words: ['watch', '--json', '--since', '2020-01-01T00:00:00Z'],
    environment: { RESCIND_URL: first.url, RESCIND_KEY: CONTROL_KEY },
    folder: home.folder,
  })
  t.after(() => {
    watch.process.kill('SIGKILL')
    for (const one of [home, other]) one.remove()
  })
  await watch.prints(/identityUsers/)
  await first.kill()
  const second = await startProcess({ home: other, flags: ['--listen', `127.0.0.1:${port}`] })
  t.after(() => second.kill())
  assert.equal(await watch.ended, 1)
  assert.match(watch.stderr(), /"message":"the log has another history than before/)
})
