import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { connect as connectTls } from 'node:tls'
import { API_KEY, basic, CONTROL, FORM_BODY, JSON_BODY, OAUTH } from '../kit/calls.ts'
import { openServer, type TestServer } from '../kit/in-process.ts'
import { requestBytes } from '../kit/raw-http.ts'
import { ANN, CHAT, SVC } from '../kit/seed.ts'
import { TEST_CERT, TEST_KEY } from '../kit/tls.ts'

type Ask = { readonly line: string; readonly headers?: readonly string[]; readonly body?: string }

const FORM = [FORM_BODY, basic(SVC)]
const ISSUE: Ask = { line: `POST ${OAUTH}`, headers: FORM, body: 'grant_type=client_credentials' }
const LOGIN: Ask = {
  line: 'POST /v2.0/tokens',
  headers: [JSON_BODY],
  body: JSON.stringify({
    auth: { passwordCredentials: { username: ANN.username, password: ANN.password } },
  }),
}
const CHAT_TOKEN: Ask = {
  line: 'POST /admin/clients',
  headers: [API_KEY, JSON_BODY],
  body: JSON.stringify({ _id: 'ann', issueAccessToken: true }),
}
const revokeOauth = (token: string): Ask => ({
  line: `POST ${OAUTH}/revoke`,
  headers: FORM,
  body: `token=${token}`,
})
const introspect = (token: string): Ask => ({
  line: `POST ${OAUTH}/introspect`,
  headers: FORM,
  body: `token=${token}`,
})

class Line {
  readonly #port: number
  readonly #isTls: boolean

  constructor(port: number, isTls: boolean) {
    this.#port = port
    this.#isTls = isTls
  }

  async open(): Promise<Socket> {
    const where = { port: this.#port, host: '127.0.0.1', allowHalfOpen: true }
    const socket = this.#isTls ? connectTls({ ...where, ca: TEST_CERT }) : connect(where)
    await once(socket, this.#isTls ? 'secureConnect' : 'connect')
    return socket
  }

  /** Sends everything, closes its side, and reads to the end. */
  async tell(bytes: Buffer): Promise<string> {
    const socket = await this.open()
    return readAll(socket, () => socket.end(bytes))
  }

  async ask({ line, headers = [], body }: Ask): Promise<string> {
    return this.tell(
      requestBytes({ line: `${line} HTTP/1.1`, headers, ...(body === undefined ? {} : { body }) }),
    )
  }
}

async function readAll(socket: Socket, begin: () => void): Promise<string> {
  let text = ''
  socket.on('data', (chunk: Buffer) => {
    text += chunk.toString('latin1')
  })
  socket.on('error', () => {})
  begin()
  await once(socket, 'close')
  return text
}

function member(answer: string, pattern: RegExp): string {
  const found = pattern.exec(answer)?.[1]
  assert.ok(found !== undefined, answer)
  return found
}

for (const isTls of [false, true]) {
  const over = isTls ? 'TLS' : 'a plain connection'
  // A client that has sent everything and closed its side must still get its answer.
  describe(`[W101] over ${over}, a client that closes its side behind its request`, () => {
    const folder = mkdtempSync(join(tmpdir(), 'rescind-half-'))
    let server: TestServer
    let line: Line
    before(async () => {
      writeFileSync(join(folder, 'tls.crt'), TEST_CERT)
      writeFileSync(join(folder, 'tls.key'), TEST_KEY, { mode: 0o600 })
      const pair = ['--tls-cert', join(folder, 'tls.crt'), '--tls-key', join(folder, 'tls.key')]
      server = await openServer({ time: 'real', flags: isTls ? pair : [] })
      line = new Line(server.port, isTls)
    })
    after(async () => {
      await server.close()
      rmSync(folder, { recursive: true })
    })

    it('is answered by /readyz, /healthz, and an unknown path', async () => {
      assert.match(await line.ask({ line: 'GET /readyz' }), /^HTTP\/1\.1 200 /)
      assert.match(await line.ask({ line: 'GET /healthz' }), /^HTTP\/1\.1 200 /)
      assert.match(await line.ask({ line: 'GET /nowhere' }), /^HTTP\/1\.1 404 /)
    })

    it('is answered by the Identity dialect: a login, and ending the token', async () => {
      const login = await line.ask(LOGIN)
      assert.match(login, /^HTTP\/1\.1 200 /)
      const token = member(login, /"id":"(rsi_[^"]+)"/)
      const end = { line: 'DELETE /v2.0/tokens', headers: [`X-Auth-Token: ${token}`] }
      assert.match(await line.ask(end), /^HTTP\/1\.1 204 /)
      assert.match(await line.ask(end), /^HTTP\/1\.1 401 /)
    })

    it('is answered by the OAuth dialect, also on its hot paths', async () => {
      const token = member(await line.ask(ISSUE), /"access_token":"([^"]+)"/)
      assert.match(await line.ask(introspect(token)), /"active":true/)
      assert.match(await line.ask(revokeOauth(token)), /^HTTP\/1\.1 200 /)
      assert.match(await line.ask(introspect(token)), /"active":false/)
    })

    it('is answered by the chat dialect and by the control API: revocations', async () => {
      const token = member(await line.ask(CHAT_TOKEN), /"token":"([^"]+)"/)
      const own = {
        line: 'DELETE /admin/clients/ann/token',
        headers: [API_KEY, JSON_BODY],
        body: `{"token":"${token}"}`,
      }
      assert.match(await line.ask(own), /^HTTP\/1\.1 200 /)
      const target = { source: `chat/${CHAT.app}`, client: 'ann' }
      const body = JSON.stringify({ target, reason: 'half' })
      const rule = { line: 'POST /control/v1/revocations', headers: [CONTROL, JSON_BODY], body }
      assert.match(await line.ask(rule), /^HTTP\/1\.1 201 /)
      const check = { line: 'GET /check', headers: ['Authorization: Bearer nobody'] }
      assert.match(await line.ask(check), /^HTTP\/1\.1 401 /)
    })

    it('gets all answers to pipelined requests', async () => {
      const token = member(await line.ask(ISSUE), /"access_token":"([^"]+)"/)
      const bytes = [introspect(token), { line: 'GET /healthz' }, introspect(token)].map(
        ({ line: of, ...more }) => requestBytes({ line: `${of} HTTP/1.1`, ...more }),
      )
      const text = await line.tell(Buffer.concat(bytes))
      assert.deepEqual(text.match(/HTTP\/1\.1 \d+/g), ['HTTP/1.1 200', 'HTTP/1.1 200', 'HTTP/1.1 200'])
    })

    it('gets an error if it closes within a request', async () => {
      const bytes = requestBytes({
        line: 'POST /v2.0/tokens HTTP/1.1',
        headers: [JSON_BODY],
        body: '{"auth":',
      })
      assert.match(await line.tell(bytes.subarray(0, -4)), /^(?:HTTP\/1\.1 400 |$)/)
    })

    it('is no longer a reader of a stream', async () => {
      const bearer = 'Authorization: Bearer orders-api-key-0123456789'
      for (const [path, header] of [
        ['/control/v1/feed', bearer],
        ['/admin/revocations', API_KEY],
      ] as const) {
        const headers = [header, 'Accept: text/event-stream']
        const socket = await line.open()
        const text = readAll(socket, () =>
          socket.write(requestBytes({ line: `GET ${path} HTTP/1.1`, headers })),
        )
        await once(socket, 'data')
        socket.end()
        assert.match(await text, /^HTTP\/1\.1 200 [^]*text\/event-stream/)
      }
    })

    // Bytes after a request that says it is the last.
    for (const [what, more] of [
      ['another request', 'GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n'],
      ['bytes of no meaning', '\0\0\0 nonsense\r\n\r\n'],
      ['a part of a request', 'POST /v2.0/tokens HT'],
      ['empty lines', '\r\n\r\n\r\n'],
      ['many bytes', 'x'.repeat(50_000)],
    ] as const) {
      it(`that says Connection: close, and then ${what}, gets the answer to that request, and no other`, async () => {
        const token = member(await line.ask(ISSUE), /"access_token":"([^"]+)"/)
        for (const ask of [revokeOauth(token), introspect(token), { line: 'GET /healthz' }]) {
          const request = requestBytes({
            ...ask,
            line: `${ask.line} HTTP/1.1`,
            headers: [...('headers' in ask ? (ask.headers ?? []) : []), 'Connection: close'],
          })
          const text = await line.tell(Buffer.concat([request, Buffer.from(more, 'latin1')]))
          assert.deepEqual(text.match(/HTTP\/1\.1 \d+/g), ['HTTP/1.1 200'], text)
        }
        assert.match(await line.ask(introspect(token)), /"active":false/)
      })
    }
  })
}
