import assert from 'node:assert/strict'
import { once } from 'node:events'
import { chmodSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { type CliEnded, runCli } from '../../test/kit/cli/command-line.ts'
import { makeQuickHome } from '../../test/kit/server.ts'

type Handler = (request: IncomingMessage, response: ServerResponse, nth: number) => void
type Stub = { readonly url: string; readonly requests: IncomingMessage[] }

/** A server that answers what a test says. */
async function stub(t: TestContext, handler: Handler): Promise<Stub> {
  const requests: IncomingMessage[] = []
  const server = createServer((request, response) => {
    requests.push(request)
    request.resume().on('end', () => handler(request, response, requests.length))
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  t.after(() => server.closeAllConnections())
  t.after(() => server.close())
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, requests }
}

const json = (
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Record<string, string> = {},
): void => {
  const type = status < 400 ? 'application/json' : 'application/problem+json'
  response.writeHead(status, { 'content-type': type, ...headers }).end(JSON.stringify(body))
}
const KEY = 'NOT-A-SECRET-key-of-the-client-tests'
const get = (url: string, ...more: readonly string[]): Promise<CliEnded> =>
  runCli({ words: ['get', 'settings', ...more], environment: { RESCIND_URL: url, RESCIND_KEY: KEY } })

test('an answer to wait is waited for, and the same Idempotency-Key goes along each time', async (t) => {
  const { url, requests } = await stub(t, (request, response, nth) => {
    if (request.method === 'GET') return json(response, 200, { a: 1 }, { etag: '"1"' })
    if (nth < 4) return json(response, nth === 2 ? 429 : 503, { detail: 'later' }, { 'retry-after': '0' })
    return json(response, 200, { a: 2 })
  })
  const { code, stderr } = await runCli({
    words: ['put', 'settings', '-f', '-', '-v'],
    environment: { RESCIND_URL: url, RESCIND_KEY: KEY },
    input: '{"a":2}',
  })
  assert.equal(code, 0, stderr)
  const sent = requests.filter(({ method }) => method === 'PATCH')
  assert.equal(sent.length, 3)
  assert.equal(new Set(sent.map(({ headers }) => headers['idempotency-key'])).size, 1)
  assert.match(String(sent[0]?.headers['idempotency-key']), /^[\da-f-]{36}$/)
  assert.equal(sent[0]?.headers['if-match'], '"1"')
  assert.match(stderr, /^rescind: PATCH \/control\/v1\/settings 429 \d+ ms$/m)
  assert.ok(!stderr.includes(KEY))
})

test('waiting has a bound, and an outage that lasts says that repeating is safe', async (t) => {
  const { url, requests } = await stub(t, (_, response) =>
    json(response, 503, { detail: 'the store is away' }, { 'retry-after': '0' }),
  )
  const { code, stderr } = await get(url)
  assert.deepEqual([code, stderr], [1, 'rescind: the store is away: repeat it later: it is safe to repeat\n'])
  assert.equal(requests.length, 5)
  const patient = await stub(t, (_, response) => json(response, 503, {}, { 'retry-after': '3600' }))
  assert.equal((await get(patient.url)).code, 1)
  assert.equal(patient.requests.length, 1, 'an hour is not waited for')
})

test('a connection that breaks is tried again', async (t) => {
  const { url, requests } = await stub(t, (_, response, nth) =>
    nth === 1 ? response.destroy() : json(response, 200, { a: 1 }),
  )
  const { code, stdout } = await get(url, '--json')
  assert.deepEqual([code, JSON.parse(stdout), requests.length], [0, { a: 1 }, 2])
})

test('a redirect is not followed with the key', async (t) => {
  const other = await stub(t, (_, response) => json(response, 200, {}))
  const { url } = await stub(t, (_, response) =>
    response.writeHead(302, { location: `${other.url}/x` }).end(),
  )
  const { code, stderr } = await get(url)
  assert.equal(code, 1)
  assert.match(stderr, /redirects to http.*: the key is not sent there/)
  assert.equal(other.requests.length, 0)
})

test('what is no control API is said so, whatever its status', async (t) => {
  for (const status of [200, 404, 502]) {
    const { url } = await stub(t, (_, response) =>
      response.writeHead(status, { 'content-type': 'text/html' }).end('<p>hello \u001b[2J'),
    )
    const { code, stdout, stderr } = await get(url)
    assert.deepEqual([code, stdout], [1, ''])
    assert.match(
      stderr,
      /^rescind: http\S+ answers, but not as the control API of Rescind: check --url[^\n]*\n$/,
    )
  }
})

test('an answer that never ends is given up, and so is one that is cut off', async (t) => {
  const endless = await stub(t, (_, response) => {
    response.writeHead(200, { 'content-type': 'application/json' })
    const more = (): void => {
      while (response.write(' '.repeat(1_048_576)));
    }
    response.on('drain', more)
    more()
  })
  const { code, stdout, stderr } = await get(endless.url)
  assert.deepEqual([code, stdout], [1, ''])
  assert.match(stderr, /: the answer is too large\n$/)
  const cut = await stub(t, (_, response) => {
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': '100' }).write('{"a":')
    setImmediate(() => response.destroy())
  })
  assert.match((await get(cut.url)).stderr, /^rescind: http\S+: the connection broke: repeat it/)
})

test('nothing that listens, a slow one, and plain http to elsewhere are each one line', async (t) => {
  const { url, requests } = await stub(t, () => undefined)
  const slow = await get(url, '--timeout', '0.2')
  assert.equal(slow.code, 1)
  assert.match(slow.stderr, /did not answer in time: .*--timeout/)
  assert.ok(requests.length > 0)
  const gone = createServer().listen(0, '127.0.0.1')
  await once(gone, 'listening')
  const { port } = gone.address() as AddressInfo
  gone.close()
  await once(gone, 'close')
  const nobody = await get(`http://127.0.0.1:${port}`)
  assert.equal(nobody.code, 1)
  assert.match((await get('http://127.0.0.1:1')).stderr, /cannot be reached \(bad port\)/)
  assert.match(
    nobody.stderr,
    /^rescind: http:\/\/127\.0\.0\.1:\d+: nothing listens there: start the server, or name another by --url\n$/,
  )
  for (const plain of [
    'http://tokens.example.org',
    'http://10.0.0.1:8080',
    'ftp://127.0.0.1',
    'https://me:pw@x.org',
    'x',
  ])
    assert.equal((await get(plain)).code, 2, plain)
})

test('a key file that others can read is refused, and so is a key that no header can carry', async (t) => {
  const home = makeQuickHome()
  t.after(() => home.remove())
  const { url, requests } = await stub(t, (_, response) => json(response, 200, { a: 1 }))
  const file = join(home.folder, 'key')
  writeFileSync(file, `${KEY}\n`, { mode: 0o600 })
  const ask = (environment: Record<string, string>): Promise<CliEnded> =>
    runCli({ words: ['get', 'settings'], environment: { RESCIND_URL: url, ...environment } })
  assert.equal((await ask({ RESCIND_KEY_FILE: file })).code, 0)
  assert.equal(requests[0]?.headers.authorization, `Bearer ${KEY}`)
  chmodSync(file, 0o640)
  const open = await ask({ RESCIND_KEY_FILE: file })
  assert.equal(open.code, 2)
  assert.match(open.stderr, /can be read by others: run: chmod 600/)
  assert.equal((await ask({ RESCIND_KEY: 'a b' })).code, 2)
  const server = await ask({ RESCIND_CONTROL_KEY: KEY })
  assert.deepEqual([server.code, requests.length], [2, 1], "the server's own key is not taken")
})

test("a profile's key goes to the profile's URL alone", async (t) => {
  const home = makeQuickHome()
  t.after(() => home.remove())
  const one = await stub(t, (_, response) => json(response, 200, { revocations: [] }))
  const other = await stub(t, (_, response) => json(response, 200, {}))
  const run = (words: readonly string[], environment: Record<string, string> = {}): Promise<CliEnded> =>
    runCli({ words, environment, folder: home.folder })
  const login = await run(['login', '--url', one.url, '--profile', 'one', '--realm', 'eu'], {
    RESCIND_KEY: KEY,
  })
  assert.equal(login.code, 0, login.stderr)
  assert.equal((await run(['get', 'settings'])).code, 0)
  assert.equal(one.requests.at(-1)?.url, '/control/v1/settings?realm=eu')
  assert.equal((await run(['get', 'settings', '--url', other.url])).code, 2, 'and no key for it')
  assert.equal((await run(['get', 'settings', '--url', other.url, '--profile', 'one'])).code, 2)
  assert.equal((await run(['get', 'settings'], { RESCIND_URL: other.url })).code, 2)
  assert.equal(other.requests.length, 0)
  const environment = { RESCIND_URL: other.url, RESCIND_KEY: 'NOT-A-SECRET-another' }
  assert.equal((await run(['get', 'settings'], environment)).code, 0)
  assert.equal(other.requests[0]?.headers.authorization, 'Bearer NOT-A-SECRET-another')
  assert.equal((await run(['get', 'settings', '--profile', 'one'], environment)).code, 0)
  assert.equal(one.requests.at(-1)?.headers.authorization, `Bearer ${KEY}`)
})
