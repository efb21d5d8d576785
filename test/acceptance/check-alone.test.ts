import assert from 'node:assert/strict'
import { once } from 'node:events'
import http from 'node:http'
import { connect } from 'node:net'
import { before, test } from 'node:test'
import fc from 'fast-check'
import { OAUTH } from '../kit/calls.ts'
import { openForFile } from '../kit/in-process.ts'
import {
  headerOf,
  latin1,
  type RawAnswer,
  RawConnection,
  rawExchange,
  requestBytes,
} from '../kit/raw-http.ts'
import { CHAT, SEED, SVC } from '../kit/seed.ts'

/**
 * `/check` answers by the credential alone, whatever else of a request a gateway forwards. A request that Node's parser
 * cannot read presents no credential: 401.
 */

const PROFILES = [
  { name: 'orders', scopes: ['read'] },
  { name: 'writers', scopes: ['admin'] },
  { name: 'keystone', credential: { from: 'header', name: 'X-Auth-Token' } },
  { name: 'web', credential: { from: 'cookie', name: 'session' } },
]
const seed = { realms: [...SEED.realms, { name: 'default', checkProfiles: PROFILES }] }

const { server, calls } = await openForFile({ time: 'hand', seed })
let live: string
let dead: string

before(async () => {
  live = (await calls.oauthGrant('ann')).access
  dead = (await calls.oauthGrant('bob')).access
  await calls.oauthRevoke(SVC, dead)
})

const bearer = (token: string): string => `Authorization: Bearer ${token}`

type Odd = {
  readonly line?: string
  readonly headers?: readonly string[]
  readonly body?: string | Buffer
  /** Only the request line and the headers are sent; no Host is added. */
  readonly bare?: true
}

function bytesOf(
  { line = 'GET /check HTTP/1.1', headers = [], body, bare }: Odd,
  credential: string,
): Buffer {
  const all = [credential, ...headers]
  if (bare === true) return latin1(`${[line, ...all].join('\r\n')}\r\n\r\n`)
  return requestBytes({ line, headers: all, ...(body === undefined ? {} : { body }) })
}

const ask = (odd: Odd, credential: string): Promise<RawAnswer> =>
  rawExchange(server.port, bytesOf(odd, credential))

/** 200 with a live token, 401 with a revoked one, and 403 if a scope is missing, for any other contents. */
async function assertAlone(odd: Odd, what: string): Promise<void> {
  assert.equal((await ask(odd, bearer(live))).status, 200, what)
  assert.equal((await ask(odd, bearer(dead))).status, 401, what)
  if (odd.line !== undefined || odd.bare === true) return
  assert.equal((await ask({ ...odd, line: 'GET /check/p/writers HTTP/1.1' }, bearer(live))).status, 403, what)
}

const GZIP = Buffer.from('1f8b0800000000000003', 'hex')

test('every method that HTTP knows, with a body or without one, is answered by the credential alone [W6]', async () => {
  for (const method of http.METHODS.filter((name) => name !== 'CONNECT')) {
    if (method === 'HEAD') continue
    await assertAlone({ line: `${method} /check HTTP/1.1` }, method)
    await assertAlone(
      { line: `${method} /check/p/orders/x HTTP/1.1`, body: '{"a":' },
      `${method} with a body`,
    )
  }
})

test('neither a body nor a header about it changes the answer [W6]', async () => {
  const large = Buffer.alloc(300_000, 'x')
  const bodies: readonly Odd[] = [
    { headers: ['Content-Encoding: gzip'], body: GZIP },
    { headers: ['Content-Encoding: br, x-unknown'], body: 'not that' },
    { headers: ['Content-Encoding: gzip'] },
    { headers: ['Content-Type: multipart/form-data'], body: '--' },
    { headers: ['Content-Type: application/json; charset=utf-16'], body: '{' },
    { headers: ['Content-Type: a', 'Content-Type: b'] },
    { headers: ['Content-Type: application/x-www-form-urlencoded'], body: 'access_token=a&access_token=b' },
    { headers: ['Transfer-Encoding: chunked'], body: '3\r\nabc\r\n0\r\n\r\n' },
    { headers: ['Transfer-Encoding: chunked', 'Trailer: x'], body: '3;e=f\r\nabc\r\n0\r\nX: y\r\n\r\n' },
    { headers: ['Transfer-Encoding: gzip'], body: 'abc' },
    { headers: ['Expect: 100-continue'], body: 'abc' },
    { headers: ['Expect: 100-continue', 'Content-Length: 900000000'] },
    { headers: ['Expect: something-else'] },
    { headers: ['Content-Length: 0'] },
    { headers: ['Content-Length: 65537'] },
    { headers: ['Content-Length: 99999999999'] },
    { body: large },
    { headers: ['Transfer-Encoding: chunked'], body: `4000\r\n${'a'.repeat(0x4000)}\r\n`.repeat(8) },
    { headers: ['Digest: sha-256=x', 'Content-MD5: x', 'Content-Range: bytes 0-1/2', 'Range: bytes=0-1'] },
  ]
  for (const odd of bodies) await assertAlone(odd, JSON.stringify(odd.headers ?? 'a large body'))
})

test('no other header changes the answer, sent once, twice or broken', async () => {
  const lines: readonly (readonly string[])[] = [
    ['Accept: nothing/at all;q=x', 'Accept: text/html', 'Accept-Encoding: identity;q=0, *;q=0'],
    ['Idempotency-Key: a', 'Idempotency-Key: b'],
    ['If-Match: "1"', 'If-None-Match: *', 'If-Modified-Since: Thu, 01 Jan 1970 00:00:00 GMT'],
    ['Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Version: 13', 'Sec-WebSocket-Key: x'],
    ['Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c', 'HTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA'],
    ['Connection: Authorization', 'Keep-Alive: timeout=x', 'TE: gzip', 'Proxy-Connection: close'],
    ['Host: a', 'Host: b'],
    ['Host:'],
    ['Host: user@host/path'],
    ['Host: \xff\xfe'],
    ['X-Forwarded-For: nobody', 'X-Forwarded-For: 1.2.3.4', 'X-Forwarded-Proto: gopher', 'Forwarded: for=_x'],
    ['X-Forwarded-Uri: /\xff%zz', 'X-Forwarded-Method: FOO', 'X-Original-URL: /control/v1/keys'],
    ['X-HTTP-Method-Override: DELETE', 'X-Rewrite-URL: /none'],
    ['Origin: null', 'Access-Control-Request-Method: PUT', 'Access-Control-Request-Headers: authorization'],
    ['Cookie: a=\xff; b', 'Cookie: c=d', 'Cookie: ;;=;'],
    ['X-Subject-Token: a', 'X-Subject-Token: b', 'X-Auth-Token: c', 'X-Auth-Token: d', 'IM-API-KEY: e'],
    [`IM-API-KEY: ${CHAT.apiKey}`, 'Proxy-Authorization: Basic eDp5', 'Proxy-Authorization: Bearer x'],
    ['X-Auth-Subject: root', 'X_Auth_Subject: root', 'X-Auth-Subject: ann'],
    ['Last-Event-ID:', 'Last-Event-ID: 1', 'Retry-After: x', 'Date: x', 'Server: y', 'ETag: z'],
    ['__proto__: x', 'constructor: y', 'hasOwnProperty: z', 'toString: a'],
    ['X: \xe9\xff', 'Empty:', 'X: again', `Long: ${'a'.repeat(8_000)}`],
    Array.from({ length: 150 }, (_, at) => `X-${at}: y`),
    Array.from({ length: 3_000 }, () => 'X: y'),
  ]
  for (const headers of lines) {
    await assertAlone({ headers }, JSON.stringify(headers).slice(0, 200))
    await assertAlone({ headers, body: 'abc' }, `${JSON.stringify(headers).slice(0, 200)} with a body`)
  }
})

test('neither the rest of the path, a query nor the form of the target changes the answer', async () => {
  const targets = [
    ...[
      '/check/%',
      '/check/%zz',
      '/check/%00',
      '/check/%C0%AF',
      '/check/%ff?%=%',
      '/check?',
      '/check?%zz',
      '/check//',
    ],
    ...['/check/../../admin', '/check/a;b=c', '/check?access_token=x&access_token=y', '/check#x'],
    ...[
      '/check/*',
      '/check/:x',
      `/check/${'a'.repeat(20_000)}`,
      `/check?${'%41'.repeat(9_000)}`,
      '/check/p%2forders',
    ],
    ...[
      '/check/p/orders/%zz',
      '/check/p/orders/\\',
      '/check/p/orders?profile=none',
      '/check/p/orders//p/none',
    ],
    ...[
      '/realms/default/check/%zz',
      '/realms/default/check/p/orders/%',
      'http://h/check',
      'http://h/check/p/orders/%zz',
    ],
    ...['HTTPS://user@[::1]:1/check?x', 'http://h:x/realms/default/check/'],
  ]
  for (const target of targets) {
    for (const method of ['GET', 'OPTIONS', 'PROPFIND'])
      await assertAlone({ line: `${method} ${target} HTTP/1.1` }, `${method} ${target.slice(0, 100)}`)
  }
})

test('no readable protocol version changes the answer, with or without Host', async () => {
  for (const version of ['HTTP/1.0', 'HTTP/1.1', 'HTTP/2.0', 'HTTP/0.9']) {
    await assertAlone({ line: `GET /check ${version}`, bare: true }, version)
    await assertAlone({ line: `GET /check ${version}`, headers: ['Connection: keep-alive'] }, version)
  }
})

test('an unparsable request is 401, never 400, which gateways turn into 500', async () => {
  const broken: readonly Odd[] = [
    ...['FOO', 'get', 'GETT', 'PRI'].map((method) => ({ line: `${method} /check/p/orders HTTP/1.1` })),
    ...['X: a\x01b', 'X: a\0', 'X\x01: y', 'X : y', ': y', 'no colon', '\xe9: y'].map((header) => ({
      headers: [header],
    })),
    { headers: ['Content-Length: x'] },
    { headers: ['Content-Length: 1', 'Content-Length: 2'] },
    { headers: ['Content-Length: 1', 'Transfer-Encoding: chunked'] },
    { line: 'GET /check/\xe9 HTTP/1.1' },
    { line: 'GET /realms/default/check/a HTTP/9.9' },
    { line: 'FOO http://h/check HTTP/1.1' },
  ]
  for (const odd of broken) {
    const answer = await ask(odd, bearer(live))
    assert.equal(answer.status, 401, JSON.stringify(odd))
    assert.equal(headerOf(answer, 'www-authenticate'), 'Bearer realm="rescind", error="invalid_token"')
    assert.equal(headerOf(answer, 'x-auth-subject'), '')
    assert.equal(headerOf(answer, 'connection'), 'close')
  }
  for (const value of ['Bearer a\x01b', 'Bearer \0', 'Bearer \x7f']) {
    assert.equal((await ask({}, `Authorization: ${value}`)).status, 401, JSON.stringify(value))
  }
  assert.deepEqual(await statusesOf(latin1('GET /check HTTP/1.1\r\nX: y')), ['401'], 'a head that breaks off')
  const elsewhere = await ask({ line: 'FOO /checks HTTP/1.1' }, bearer(live))
  assert.equal(elsewhere.status, 400, 'only of /check')
})

test('a body that breaks off after the answer ends the connection, without a second answer', async () => {
  const parts = { line: 'POST /check HTTP/1.1', headers: [bearer(live), 'Transfer-Encoding: chunked'] }
  const bytes = requestBytes({ ...parts, body: 'zz\r\nno chunk\r\n' })
  const answers = await new RawConnection(server.port).exchangeAll(bytes)
  assert.deepEqual(
    answers.map(({ status }) => status),
    [200],
  )
})

test('two credentials are 401 at the place that counts, and ignored elsewhere [R6]', async () => {
  const twice: readonly (readonly [profile: string, ...headers: string[]])[] = [
    ['orders', bearer(live), bearer(live)],
    ['orders', bearer(live), 'Authorization: Basic eDp5'],
    ['orders', 'Authorization: Basic eDp5', bearer(live)],
    ['orders', bearer(dead), bearer(live)],
    ['orders', bearer(live), 'AUTHORIZATION:'],
    ['orders', `Authorization: Bearer ${live}, Bearer ${live}`],
    ['orders', bearer(live), ...Array.from({ length: 2_000 }, () => 'X: y'), bearer(dead)],
    ['keystone', `X-Auth-Token: ${live}`, `x-auth-token: ${live}`],
    ['keystone', `X-Auth-Token: ${live}`, 'X-Auth-Token: '],
    ['web', `Cookie: session=${live}; session=${live}`],
    ['web', `Cookie: session=${live}`, 'Cookie: session=x'],
    ['web', `Cookie: session=\xff`],
    ['keystone', 'X-Auth-Token: \xff'],
  ]
  for (const [profile, ...headers] of twice) {
    const answer = await calls.send(`GET /check/p/${profile}`, headers)
    assert.equal(answer.status, 401, headers.join(' | ').slice(0, 200))
  }
  const elsewhere = ['Authorization: Basic eDp5', 'Authorization: Basic eDp5', 'Cookie: session=a; session=b']
  assert.equal(
    (await calls.send('GET /check/p/keystone', [`X-Auth-Token: ${live}`, ...elsewhere])).status,
    200,
  )
  const cookies = ['Cookie: a=\xff', `Cookie: session=${live}`, 'Cookie: sessions=x']
  assert.equal((await calls.send('GET /check/p/web', cookies)).status, 200)
})

test('many cookies and headers of up to 64 KiB are accepted, and more is 431 [W6, R1]', async () => {
  const cookies = [7_000, 7_000, 3_000].map((length, at) => `Cookie: c${at}=${'a'.repeat(length)}`)
  await assertAlone({ headers: cookies }, 'cookies')
  const filler = (bytes: number): string => `X: ${'a'.repeat(bytes)}`
  await assertAlone({ headers: [filler(65_000)] }, 'nearly 64 KiB in one header')
  for (const odd of [
    { headers: [filler(65_536)] },
    { headers: Array.from({ length: 66 }, (_, at) => `X-${at}: ${'a'.repeat(1_000)}`) },
    { line: `GET /check/${'a'.repeat(65_536)} HTTP/1.1` },
  ]) {
    assert.equal((await ask(odd, bearer(live))).status, 431)
  }
})

test('every dialect accepts headers of up to 64 KiB, on the fast path and beside it [R1]', async () => {
  const basic = `Authorization: Basic ${Buffer.from(`${SVC.clientId}:${SVC.clientSecret}`).toString('base64')}`
  const introspect = (...headers: readonly string[]): Promise<RawAnswer> => {
    const form = 'Content-Type: application/x-www-form-urlencoded'
    const line = `POST ${OAUTH}/introspect HTTP/1.1`
    return rawExchange(
      server.port,
      requestBytes({ line, headers: [basic, form, ...headers], body: `token=${live}` }),
    )
  }
  for (const beside of [[], ['Connection: close']]) {
    assert.equal((await introspect(`X: ${'a'.repeat(60_000)}`, ...beside)).status, 200)
    assert.equal((await introspect(`X: ${'a'.repeat(65_536)}`, ...beside)).status, 431)
  }
  const chat = await calls.send('GET /me', [
    `IM-CLIENT-KEY: ${CHAT.clientKey}`,
    `Cookie: a=${'a'.repeat(60_000)}`,
  ])
  assert.equal(chat.status, 401)
})

const NASTY = [
  ...['\r\n', '\n', '\r', '\0', ' ', '\t', ':', '/', '?', '#', '%zz', '\x01', '\x7f', '\xff', 'HTTP/2.0'],
  ...[
    'Content-Length: 5\r\n',
    'Transfer-Encoding: chunked\r\n',
    'Transfer-Encoding: gzip, chunked\r\n',
    'X : y\r\n',
  ],
  ...[
    'Host: b\r\n',
    ' folded\r\n',
    'Expect: 100-continue\r\n',
    'Upgrade: h2c\r\nConnection: Upgrade\r\n',
    '0\r\n\r\n',
  ],
  ...[
    'Connection: close\r\n',
    '__proto__: x\r\n',
    'Content-Encoding: gzip\r\n',
    'Cookie: \xff\r\n',
    'Authorization: x\r\n',
  ],
]
const edits = fc.array(fc.record({ at: fc.nat(300), drop: fc.nat(2), put: fc.constantFrom(...NASTY) }), {
  minLength: 1,
  maxLength: 3,
})

/** Statuses of all answers when a client sends this and then ends its side. */
async function statusesOf(bytes: Buffer): Promise<readonly string[]> {
  const socket = connect(server.port, '127.0.0.1')
  let text = ''
  socket.on('data', (chunk: Buffer) => {
    text += chunk.toString('latin1')
  })
  socket.on('error', () => socket.destroy())
  socket.end(bytes)
  await once(socket, 'close')
  return [...text.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status = '']) => status)
}

test('no bytes after the prefix give anything but 200 and 401', async () => {
  const told = new Set<string>()
  const property = fc.asyncProperty(edits, async (all) => {
    let rest = `/x HTTP/1.1\r\nHost: a\r\nX: y\r\nContent-Length: 3\r\n${bearer(live)}\r\n\r\nabc`
    for (const { at, drop, put } of all) rest = rest.slice(0, at) + put + rest.slice(at + drop)
    // A changed first byte could make it another path.
    const statuses = await statusesOf(latin1(`GET /check/${rest}`))
    for (const status of statuses) {
      assert.ok(['100', '200', '401'].includes(status), `${status} ${JSON.stringify(rest)}`)
      told.add(status)
    }
  })
  await fc.assert(property, { numRuns: 500, seed: 20_261_129 })
  assert.ok(told.has('200') && told.has('401'))
})
