import assert from 'node:assert/strict'
import { type ChildProcess, execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, constants, openSync, readSync, writeSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { CONTROL_KEY, type Home, makeHome, spawnServer } from '../kit/server.ts'

/** More refusals than the lines that a pipe holds (64 KiB). */
const REFUSALS = 4_000
const PIECE = Buffer.alloc(4_096, 0x0a)

/** A pipe without a reader, full from the start, so that no line finds room. */
class FullPipe {
  readonly path: string
  readonly #file: number

  constructor({ folder }: Home) {
    this.path = join(folder, 'log.pipe')
    execFileSync('mkfifo', [this.path])
    this.#file = openSync(this.path, constants.O_RDWR | constants.O_NONBLOCK)
    while (this.#tryWrite()) {
      // Until the pipe is full.
    }
  }

  /** Everything in the pipe. */
  read(): string {
    const parts: string[] = []
    const piece = Buffer.alloc(65_536)
    for (let count = this.#tryRead(piece); count > 0; count = this.#tryRead(piece))
      parts.push(piece.toString('utf8', 0, count))
    return parts.join('')
  }

  close(): void {
    closeSync(this.#file)
  }

  #tryWrite(): boolean {
    try {
      return writeSync(this.#file, PIECE) > 0
    } catch {
      return false
    }
  }

  #tryRead(into: Buffer): number {
    try {
      return readSync(this.#file, into)
    } catch {
      return 0
    }
  }
}

type Started = { readonly url: string; readonly child: ChildProcess }

/** Resolves when the server listens, even if it logs nothing. */
async function start(t: TestContext, home: Home, output: string): Promise<Started> {
  const port = await freePort()
  const child = spawnServer({
    home,
    flags: ['--listen', `127.0.0.1:${port}`, '--behind-proxy', '127.0.0.1/32'],
    wrapper: ['sh', '-c', `exec "$@" > ${output}`, 'sh'],
  })
  t.after(() => child.kill('SIGKILL'))
  const url = `http://127.0.0.1:${port}`
  for (let isUp = false; !isUp; ) {
    assert.equal(child.exitCode, null, 'it ended instead of listening')
    isUp = await fetch(`${url}/healthz`).then(
      ({ ok }) => ok,
      () => false,
    )
  }
  return { url, child }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  return typeof address === 'object' && address !== null ? address.port : 0
}

/** Each from another caller, so that each writes a log line. */
async function refused(url: string, at: number): Promise<void> {
  const from = `10.${at >> 16}.${(at >> 8) & 255}.${at & 255}`
  const answer = await fetch(`${url}/control/v1/audit`, { headers: { 'x-forwarded-for': from } })
  assert.equal(answer.status, 401)
  await answer.bytes()
}

async function stop(child: ChildProcess): Promise<number | null> {
  const ended = once(child, 'exit')
  child.kill('SIGTERM')
  await ended
  return child.exitCode
}

describe('[W62] a server whose log goes nowhere', { concurrency: 2 }, () => {
  it('starts, answers thousands of refused callers and stops, while its standard output has no reader', async (t) => {
    const home = makeHome()
    const pipe = new FullPipe(home)
    t.after(() => {
      pipe.close()
      home.remove()
    })
    const { url, child } = await start(t, home, pipe.path)
    for (let at = 0; at < REFUSALS; at += 50)
      await Promise.all(Array.from({ length: 50 }, (_, more) => refused(url, at + more)))
    assert.equal((await fetch(`${url}/healthz`)).status, 200)
    const metrics = await fetch(`${url}/metrics`, { headers: { authorization: `Bearer ${CONTROL_KEY}` } })
    assert.match(await metrics.text(), /^rescind_log_lines_dropped_total \d+$/m)
    assert.equal(await stop(child), 0)
  })

  it('continues its log where it stopped when its reader comes back', async (t) => {
    const home = makeHome()
    const pipe = new FullPipe(home)
    t.after(() => {
      pipe.close()
      home.remove()
    })
    const { url, child } = await start(t, home, pipe.path)
    let text = pipe.read()
    while (!text.includes('rescind is listening')) {
      await fetch(`${url}/healthz`)
      text += pipe.read()
    }
    assert.equal(await stop(child), 0)
  })

  it('starts, answers and stops with a full volume as its standard output', async (t) => {
    const home = makeHome()
    t.after(() => home.remove())
    const { url, child } = await start(t, home, '/dev/full')
    for (let at = 0; at < 100; at += 1) await refused(url, at)
    assert.equal((await fetch(`${url}/readyz`)).status, 200)
    assert.equal(await stop(child), 0)
  })

  it('goes on when the reader of its standard output is gone', async (t) => {
    const home = makeHome()
    const pipe = new FullPipe(home)
    t.after(() => home.remove())
    const { url, child } = await start(t, home, pipe.path)
    pipe.close()
    for (let at = 0; at < 100; at += 1) await refused(url, at)
    assert.equal((await fetch(`${url}/readyz`)).status, 200)
    assert.equal(await stop(child), 0)
  })
})
