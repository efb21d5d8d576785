import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { after, before, describe, it, type TestContext } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import type { Answer } from '@rescind/dialects'
import fc from 'fast-check'
import { ALWAYS } from '../reply.ts'
import { FastPath, type FastRequest } from './fast-path.ts'
import { FAST_HEADERS_MAX, readHead } from './head.ts'

const PATH = '/hot'
const LINE = `POST ${PATH} HTTP/1.1`
const ROUTES = new Map([
  [LINE, { method: 'POST', target: { realm: undefined, path: PATH, query: undefined }, mount: 'hot' }],
])
const HEADERS = { 'content-type': 'application/json' }

/** Echoes each request, through Node alone or with the fast path in front. */
class Echo {
  readonly server: Server
  readonly fastPath: FastPath<string> | undefined
  taken = 0
  #onHeld: (() => void) | undefined
  #held: (() => void) | undefined

  constructor(withFastPath: boolean, timeoutMs = 60_000) {
    this.server = createServer(
      { requireHostHeader: false, keepAliveTimeout: 60_000 },
      (request, response) => {
        const chunks: Buffer[] = []
        request.on('data', (chunk: Buffer) => chunks.push(chunk))
        request.on('end', () => {
          const { method = '', url = '', headers } = request
          const text = said({ method, path: url, headers, body: Buffer.concat(chunks) })
          response.writeHead(200, {
            ...HEADERS,
            ...Object.fromEntries(ALWAYS),
            'content-length': text.length,
          })
          response.end(text, 'latin1')
        })
      },
    )
    this.server.on('clientError', (_error, socket: Socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'))
    if (!withFastPath) return
    this.fastPath = new FastPath({
      routes: ROUTES,
      serve: (request, finish) => this.#serve(request, finish),
      handOver: () => undefined,
      nowMs: () => 0,
      requestTimeoutMs: timeoutMs,
      keepAliveTimeoutMs: timeoutMs,
    })
    this.fastPath.attach(this.server, 'connection')
  }

  #serve({ route, headers, body }: FastRequest<string>, finish: (answer: Answer) => void): void {
    this.taken += 1
    const text = said({ method: route.method, path: route.target.path, headers, body })
    const answer = (): void => finish({ status: 200, headers: HEADERS, body: text })
    if (this.#onHeld === undefined) {
      answer()
      return
    }
    this.#held = answer
    this.#onHeld()
  }

  /** Holds answers back from now on. Resolves when one is held. */
  hold(): Promise<void> {
    return new Promise((resolve) => {
      this.#onHeld = resolve
    })
  }

  answer(): void {
    this.#held?.()
  }

  async listen(): Promise<void> {
    this.server.listen(0, '127.0.0.1')
    await once(this.server, 'listening')
  }

  connect(): Socket {
    return connect({
      port: (this.server.address() as AddressInfo).port,
      host: '127.0.0.1',
      allowHalfOpen: true,
    })
  }

  close(): void {
    this.fastPath?.disconnect()
    this.server.closeAllConnections()
    this.server.close()
  }
}

type Said = {
  readonly method: string
  readonly path: string
  readonly headers: object
  readonly body: Buffer
}

function said({ method, path, headers, body }: Said): string {
  return JSON.stringify([method, path, Object.entries(headers), body.toString('hex')])
}

/** All that comes back for some bytes, without the headers that only tell the time and how long a connection stays. */
async function answersTo(echo: Echo, parts: readonly Buffer[]): Promise<string> {
  const socket = echo.connect()
  await once(socket, 'connect')
  socket.setNoDelay(true)
  const received: Buffer[] = []
  socket.on('data', (chunk: Buffer) => received.push(chunk))
  socket.on('error', () => {})
  for (const part of parts) {
    socket.write(part)
    // Bytes written in the same turn may be sent together.
    await setImmediate()
  }
  socket.end()
  if (!socket.closed) await once(socket, 'close')
  const text = Buffer.concat(received).toString('latin1')
  return text
    .replaceAll(/^(?:date|connection|keep-alive): .*\r\n/gim, '')
    .replaceAll(/^Content-Length/gm, 'content-length')
}

function plain(body: string, ...headers: readonly string[]): Buffer {
  const lines = [LINE, 'Host: a', 'Content-Type: text/plain', ...headers, `Content-Length: ${body.length}`]
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n${body}`, 'latin1')
}

const NASTY = [
  ...['\r\n', '\n', '\r', '\0', ' ', '\t', ':', 'Transfer-Encoding: chunked\r\n', 'Content-Length: 3\r\n'],
  ...[
    'Content-Length: +5\r\n',
    'Content-Length: 5, 5\r\n',
    'Host: b\r\n',
    'Host:\r\n',
    'X : y\r\n',
    ' folded\r\n',
  ],
  ...[
    'Connection: close\r\n',
    'Connection: keep-alive\r\n',
    'Expect: 100-continue\r\n',
    'X: \xe9\r\n',
    '\x7f',
  ],
  ...['__proto__: x\r\n', 'Upgrade: h2c\r\nConnection: Upgrade\r\n', 'TE: trailers\r\n', '0\r\n\r\n', LINE],
]

type Edit = { readonly at: number; readonly drop: number; readonly put: string }
const edit: fc.Arbitrary<Edit> = fc.record({
  at: fc.nat(400),
  drop: fc.oneof(fc.constant(0), fc.nat(3)),
  put: fc.oneof(fc.constantFrom(...NASTY), fc.constant('')),
})

function edited(bytes: Buffer, { at, drop, put }: Edit): Buffer {
  const start = at % (bytes.length + 1)
  return Buffer.concat([bytes.subarray(0, start), Buffer.from(put, 'latin1'), bytes.subarray(start + drop)])
}

describe('the fast path', () => {
  const alone = new Echo(false)
  const laned = new Echo(true)
  before(() => Promise.all([alone.listen(), laned.listen()]))
  after(() => {
    alone.close()
    laned.close()
  })

  it('answers any bytes as Node alone would', async () => {
    const requests = fc.tuple(fc.array(edit, { maxLength: 3 }), fc.nat(2))
    const property = fc.asyncProperty(requests, async ([edits, copies]) => {
      const one = edits.reduce(edited, plain('token=abc', 'Authorization: Basic YTpi'))
      const bytes = Buffer.concat(Array.from({ length: copies + 1 }, () => one))
      assert.equal(await answersTo(laned, [bytes]), await answersTo(alone, [bytes]))
    })
    await fc.assert(property, { numRuns: 400, seed: 20_261_125 })
    assert.ok(laned.taken > 0, 'nothing went through the fast path')
  })

  it('answers bytes that come in two parts as it answers them in one', async () => {
    const bytes = Buffer.concat([plain('token=abc'), plain('token=de', 'X: y')])
    const whole = await answersTo(laned, [bytes])
    assert.equal(whole, await answersTo(alone, [bytes]))
    for (let at = 1; at < bytes.length; at += 1)
      assert.equal(await answersTo(laned, [bytes.subarray(0, at), bytes.subarray(at)]), whole, `at ${at}`)
  })

  it('takes request after request on one connection, and gives it to Node with the first that is not plain', async () => {
    const socket = laned.connect()
    const before = laned.taken
    for (const body of ['one', 'two', 'three']) {
      socket.write(plain(body))
      const [answer] = (await once(socket, 'data')) as [Buffer]
      assert.match(answer.toString(), new RegExp(Buffer.from(body).toString('hex')))
    }
    assert.equal(laned.taken - before, 3)
    const sizeBefore = laned.fastPath?.size ?? 0
    socket.write(plain('four', 'Connection: close'))
    const [answer] = (await once(socket, 'data')) as [Buffer]
    assert.match(answer.toString(), /Connection: close/i)
    assert.equal(laned.taken - before, 3)
    assert.equal(laned.fastPath?.size, sizeBefore - 1)
    socket.destroy()
  })

  it('takes as many header lines as its bound says, and not one more', () => {
    const lines = (count: number): string[] => Array.from({ length: count }, (_, at) => `X-${at}: y`)
    const own = 3
    assert.ok(readHead(plain('b', ...lines(FAST_HEADERS_MAX - own)), ROUTES) !== undefined)
    assert.equal(readHead(plain('b', ...lines(FAST_HEADERS_MAX - own + 1)), ROUTES), undefined)
  })
})

/** An echo that holds its answer back, after its request has arrived. */
async function held(
  t: TestContext,
): Promise<{ readonly echo: Echo; readonly socket: Socket; readonly text: () => string }> {
  const echo = new Echo(true)
  t.after(() => echo.close())
  await echo.listen()
  const arrived = echo.hold()
  const socket = echo.connect()
  let text = ''
  socket.on('data', (chunk: Buffer) => {
    text += chunk.toString('latin1')
  })
  socket.write(plain('first'))
  await arrived
  return { echo, socket, text: () => text }
}

describe('the fast path, while an answer is under way', () => {
  it('keeps the order for a client that sends before the answer came, and leaves the rest to Node', async (t) => {
    const { echo, socket, text } = await held(t)
    socket.end(Buffer.concat([plain('second'), plain('third')]))
    echo.answer()
    await once(socket, 'close')
    const order = [...text().matchAll(/\]\],"([0-9a-f]+)"\]/g)].map(([, hex = '']) =>
      Buffer.from(hex, 'hex').toString(),
    )
    assert.deepEqual(order, ['first', 'second', 'third'])
    assert.equal(echo.taken, 1)
  })

  it('answers what is under way when it closes, says that this is the last, and ends', async (t) => {
    const { echo, socket, text } = await held(t)
    socket.on('end', () => socket.end())
    echo.fastPath?.close()
    echo.answer()
    await once(socket, 'close')
    assert.match(text(), /^HTTP\/1\.1 200 OK\r\n[^]*Connection: close\r\n/)
    while (echo.fastPath?.size !== 0) await setImmediate()
  })

  it('forgets a client that left', async (t) => {
    const { echo, socket, text } = await held(t)
    socket.resetAndDestroy()
    while (echo.fastPath?.size !== 0) await setImmediate()
    echo.answer()
    assert.equal(text(), '')
  })
})

describe('the fast path, when nothing comes', () => {
  it('[P04] answers a connection that never sent anything as Node answers the slow, and drops one that fell silent', async (t) => {
    const echo = new Echo(true, 20)
    t.after(() => echo.close())
    await echo.listen()
    const silent = echo.connect()
    assert.match(String(await once(silent, 'data')), /^HTTP\/1\.1 400/)
    const spoke = echo.connect()
    spoke.write(plain('once'))
    assert.match(String(await once(spoke, 'data')), /^HTTP\/1\.1 200/)
    await once(spoke, 'end')
    silent.destroy()
    spoke.destroy()
  })
})
