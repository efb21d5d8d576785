import assert from 'node:assert/strict'
import { createReadStream, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { test } from 'node:test'
import { Calls } from '../kit/calls.ts'
import { type CliRunning, startCli } from '../kit/cli/command-line.ts'
import { StallingProxy } from '../kit/cli/stalling-proxy.ts'
import { CONTROL_KEY, makeHome, startProcess } from '../kit/server.ts'

const LINES = 100_000
/** Every so many lines one holds a token. */
const EVERY = 50
/** Memory of the client: Node.js itself, and nothing that grows with the list. */
const CLIENT_MAX_MB = 220

test('100,000 lines are each reported once, whatever is killed meanwhile, in constant memory', async (t) => {
  const home = makeHome()
  t.after(() => home.remove())
  let server = await startProcess({ home })
  const port = Number(new URL(server.url).port)
  const texts = await tokens(port)
  const lines = Array.from({ length: LINES }, (_, at) =>
    at % EVERY === 0 ? `GET /orders?access_token=${texts[at / EVERY]} 200` : `line ${at}: nothing to see`,
  )
  writeFileSync(join(home.folder, 'leak.txt'), lines.join('\n'))
  const proxy = await StallingProxy.open(port)
  t.after(async () => {
    proxy.close()
    await server.kill()
  })
  const start = (): CliRunning =>
    startCli({
      words: ['bulk', 'leak.txt', '--reason', 'incident 42', '--yes', '--report', 'report.ndjson'],
      environment: { RESCIND_URL: proxy.url, RESCIND_KEY: CONTROL_KEY },
      folder: home.folder,
    })
  for (const [stall, signal] of [
    [{ down: 300_000 }, 'SIGKILL'],
    [{ up: 2_000_000 }, 'SIGINT'],
    [{ down: 900_000 }, 'SIGKILL'],
    [{ down: 1_000 }, 'SIGINT'],
  ] as const) {
    const stalled = proxy.stallAfter(stall)
    const client = start()
    await stalledBefore(client, stalled)
    client.process.kill(signal)
    await client.ended
  }
  const stalled = proxy.stallAfter({ down: 500_000 })
  const client = start()
  await stalledBefore(client, stalled)
  void proxy.stallAfter({})
  await server.kill()
  await client.prints(/going on in 1 s after line/)
  server = await startProcess({ home, flags: ['--listen', `127.0.0.1:${port}`] })
  const peak = peakMb(client)
  assert.equal(await client.ended, 0, client.stderr())
  const megabytes = await peak
  assert.ok(megabytes < CLIENT_MAX_MB, `${megabytes} MB`)
  await assertReport(join(home.folder, 'report.ndjson'))
  assertNoTokens(home.folder, texts)
})

async function stalledBefore(client: CliRunning, stalled: Promise<void>): Promise<void> {
  const ended = client.ended.then(() => 'ended' as const)
  assert.notEqual(await Promise.race([stalled, ended]), 'ended', client.stderr())
}

async function tokens(port: number): Promise<readonly string[]> {
  const calls = new Calls(port)
  const texts: string[] = []
  for (let nth = 0; nth < LINES / EVERY; nth += 1) {
    const { body } = await calls.control('POST /grants', {
      clientId: 'svc',
      subject: `u${nth}`,
      scope: 'read',
    })
    texts.push((JSON.parse(body.toString('utf8')) as { access_token: string }).access_token)
  }
  calls.close()
  return texts
}

/** The most memory that it has had, as long as it runs. */
async function peakMb(client: CliRunning): Promise<number> {
  let peak = 0
  let isOver = false
  void client.ended.then(() => {
    isOver = true
  })
  while (!isOver) {
    const status = readStatus(client.process.pid ?? 0)
    peak = Math.max(peak, Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1] ?? 0) / 1_024)
    await Promise.race([client.ended, new Promise((resolve) => setTimeout(resolve, 20))])
  }
  return peak
}

/** Empty once the process has ended. */
function readStatus(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/status`, 'utf8')
  } catch {
    return ''
  }
}

async function assertReport(path: string): Promise<void> {
  let nth = 0
  for await (const text of createInterface({ input: createReadStream(path) })) {
    const { line, result, receipt } = JSON.parse(text) as { line: number; result: string; receipt?: string }
    assert.equal(line, (nth += 1))
    const expected = (line - 1) % EVERY === 0 ? 'revoked' : 'notOurs'
    assert.equal(result, expected, `line ${line}`)
    if (result === 'revoked') assert.match(receipt ?? '', /^rev_1_\d+$/)
  }
  assert.equal(nth, LINES)
}

function assertNoTokens(folder: string, texts: readonly string[]): void {
  const sought = new Set(texts)
  for (const one of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (!one.isFile() || one.name === 'leak.txt') continue
    const text = readFileSync(join(one.parentPath, one.name), 'latin1')
    for (const [found] of text.matchAll(/rsa_[0-9A-Za-z_-]+/g)) assert.ok(!sought.has(found), one.name)
  }
}
