import assert from 'node:assert/strict'
import { once } from 'node:events'
import http, { type RequestListener } from 'node:http'
import https from 'node:https'
import type { AddressInfo } from 'node:net'
import { after, test } from 'node:test'
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib'
import { TEST_CERT, TEST_KEY } from '../../../test/kit/tls.ts'
import { FETCHES_PER_ONE_MAX, type FetchShare } from './fetch-shares.ts'
import { type FetchAsk, type Fetched, guardedFetch, type Resolve } from './guarded-fetch.ts'

const SHARE: FetchShare = { realm: 'default', of: 'app acme' }
const BOUNDS = { share: SHARE, maxBytes: 1_000, timeoutMs: 5_000 }
const LOCAL: FetchAsk = {
  ...BOUNDS,
  allowInternal: true,
  trusted: TEST_CERT,
  resolve: async () => [{ address: '127.0.0.1', family: 4 }],
}

const opened: http.Server[] = []
after(() => {
  for (const server of opened) server.closeAllConnections()
  for (const server of opened) server.close()
})

async function listening(server: http.Server): Promise<number> {
  opened.push(server)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

const serveTls = (handler: RequestListener): Promise<number> =>
  listening(https.createServer({ cert: TEST_CERT, key: TEST_KEY }, handler))
const serve = (handler: RequestListener): Promise<number> => listening(http.createServer(handler))

async function whyOf(fetched: Promise<Fetched>): Promise<string> {
  const one = await fetched
  return one.kind === 'failed' ? one.why : `answered ${one.status}`
}

test('an https answer comes with its status and body, and the body asked with arrives whole', async () => {
  const port = await serveTls((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      response.statusCode = 401
      const { host, 'x-one': one } = request.headers
      response.end(`${request.method} ${host} ${String(one)} ${Buffer.concat(chunks).toString()}`)
    })
  })
  const ask: FetchAsk = { ...LOCAL, method: 'POST', headers: { 'x-one': '1' }, body: 'tökén' }
  const fetched = await guardedFetch(`https://verify.example:${port}/verify`, ask)
  assert.ok(fetched.kind === 'answer')
  assert.equal(fetched.status, 401)
  assert.equal(fetched.body.toString(), `POST verify.example:${port} 1 tökén`)
})

test('an internal address is refused before a connection is made, however it is written', async () => {
  let connections = 0
  const server = https.createServer({ cert: TEST_CERT, key: TEST_KEY })
  server.on('connection', () => {
    connections += 1
  })
  const port = await listening(server)
  const hosts = [
    '127.0.0.1',
    '2130706433',
    '0x7f000001',
    '0177.0.0.1',
    '127.1',
    '[::1]',
    '[::ffff:127.0.0.1]',
  ]
  const more = [
    '[::ffff:7f00:1]',
    '0',
    '169.254.169.254',
    '[fd00:ec2::254]',
    '10.0.0.1',
    '[fe80::1]',
    '①②⑦.0.0.1',
  ]
  for (const host of [...hosts, ...more])
    assert.equal(await whyOf(guardedFetch(`https://${host}:${port}/`, BOUNDS)), 'internal-address', host)
  assert.equal(connections, 0)
})

test('a name that resolves to one internal address among public ones is refused', async () => {
  const resolve: Resolve = async () => [
    { address: '1.1.1.1', family: 4 },
    { address: '169.254.169.254', family: 4 },
  ]
  assert.equal(
    await whyOf(guardedFetch('https://rebind.example/', { ...BOUNDS, resolve })),
    'internal-address',
  )
})

test('[Q06] the address that was checked is the one connected to: a name is resolved once', async () => {
  const port = await serveTls((_request, response) => response.end('ok'))
  let times = 0
  const resolve: Resolve = async () => {
    times += 1
    return [{ address: times === 1 ? '127.0.0.1' : '127.0.0.2', family: 4 }]
  }
  const fetched = await guardedFetch(`https://verify.example:${port}/`, { ...LOCAL, resolve })
  assert.equal(fetched.kind, 'answer')
  assert.equal(times, 1)
})

test('plain http, other schemes, credentials in the URL and no URL at all are refused', async () => {
  const urls = [
    'http://1.1.1.1/',
    'ftp://1.1.1.1/',
    'file:///etc/passwd',
    'https://u:p@1.1.1.1/',
    'verify',
    '',
  ]
  for (const url of urls) assert.equal(await whyOf(guardedFetch(url, BOUNDS)), 'bad-url', url)
})

test('plain http is spoken only where internal addresses are allowed, and only to them', async () => {
  const port = await serve((_request, response) => response.end('ok'))
  const url = `http://127.0.0.1:${port}/`
  assert.equal(await whyOf(guardedFetch(url, BOUNDS)), 'bad-url')
  assert.equal(await whyOf(guardedFetch(url, LOCAL)), 'answered 200')
  assert.equal(await whyOf(guardedFetch('http://1.1.1.1/', LOCAL)), 'bad-url')
})

test('[J10] redirects are not followed', async () => {
  for (const status of [301, 302, 303, 304, 307, 308]) {
    let asked = 0
    const port = await serve((_request, response) => {
      asked += 1
      response.writeHead(status, { location: '/elsewhere' }).end()
    })
    assert.equal(await whyOf(guardedFetch(`http://127.0.0.1:${port}/`, LOCAL)), 'redirect', String(status))
    assert.equal(asked, 1)
  }
})

test('a body at the bound is read and one byte more is refused, declared or streamed', async () => {
  for (const declared of [true, false]) {
    for (const [bytes, expected] of [
      [BOUNDS.maxBytes, 'answered 200'],
      [BOUNDS.maxBytes + 1, 'too-large'],
    ] as const) {
      const port = await serve((_request, response) => {
        if (declared) response.setHeader('content-length', bytes)
        response.write(Buffer.alloc(bytes - 1, 97))
        response.end('a')
      })
      assert.equal(await whyOf(guardedFetch(`http://127.0.0.1:${port}/`, LOCAL)), expected)
    }
  }
})

test('a server that never answers, never ends or never resolves is given up', async () => {
  const silent = await serve(() => undefined)
  const endless = await serve((_request, response) => response.write('a'))
  const ask = { ...LOCAL, timeoutMs: 60 }
  assert.equal(await whyOf(guardedFetch(`http://127.0.0.1:${silent}/`, ask)), 'timeout')
  assert.equal(await whyOf(guardedFetch(`http://127.0.0.1:${endless}/`, ask)), 'timeout')
  let release: () => void = () => undefined
  const resolve: Resolve = () =>
    new Promise((done) => {
      release = () => done([])
    })
  assert.equal(await whyOf(guardedFetch('https://slow.example/', { ...ask, resolve })), 'timeout')
  release()
})

test('a certificate that is untrusted, or for another name, counts as no answer', async () => {
  const port = await serveTls((_request, response) => response.end('ok'))
  const { trusted: _none, ...untrusting } = LOCAL
  assert.equal(await whyOf(guardedFetch(`https://verify.example:${port}/`, untrusting)), 'unreachable')
  assert.equal(await whyOf(guardedFetch(`https://other.example:${port}/`, LOCAL)), 'unreachable')
})

test('a name that does not resolve is not asked', async () => {
  const broken: Resolve = () => Promise.reject(new Error('ENOTFOUND'))
  assert.equal(
    await whyOf(guardedFetch('https://no.example/', { ...BOUNDS, resolve: broken })),
    'unresolvable',
  )
  const none: Resolve = async () => []
  assert.equal(await whyOf(guardedFetch('https://no.example/', { ...BOUNDS, resolve: none })), 'unresolvable')
})

test('[H21] one app may have so many requests under way, one more is refused, and others go on', async () => {
  const waiting: (() => void)[] = []
  const resolve: Resolve = () =>
    new Promise((done) => {
      waiting.push(() => done([]))
    })
  const ask = { ...BOUNDS, resolve }
  const first = Array.from({ length: FETCHES_PER_ONE_MAX }, () =>
    whyOf(guardedFetch('https://slow.example/', ask)),
  )
  assert.equal(await whyOf(guardedFetch('https://slow.example/', ask)), 'busy')
  for (const share of [
    { realm: 'default', of: 'app globex' },
    { realm: 'default', of: 'issuer acme' },
    { realm: 'other', of: 'app acme' },
  ])
    assert.equal(await whyOf(guardedFetch('https://10.0.0.1/', { ...BOUNDS, share })), 'internal-address')
  for (const release of waiting) release()
  assert.deepEqual([...new Set(await Promise.all(first))], ['unresolvable'])
  assert.equal(await whyOf(guardedFetch('https://10.0.0.1/', BOUNDS)), 'internal-address')
})

test('a compressed answer is read, declared or not, and bounded by its unpacked size [W15] [W105]', async () => {
  const plain = Buffer.from('{"keys":[]}')
  const bomb = Buffer.alloc(BOUNDS.maxBytes + 1, 0x20)
  const cases: readonly (readonly [string | undefined, Buffer, string])[] = [
    ['gzip', gzipSync(plain), 'plain'],
    ['x-gzip', gzipSync(plain), 'plain'],
    ['GZIP', gzipSync(plain), 'plain'],
    [undefined, gzipSync(plain), 'plain'],
    ['identity', plain, 'plain'],
    ['', plain, 'plain'],
    ['br', brotliCompressSync(plain), 'plain'],
    ['deflate', deflateSync(plain), 'plain'],
    ['gzip', gzipSync(bomb), 'too-large'],
    [undefined, gzipSync(bomb), 'too-large'],
    ['gzip', gzipSync(bomb.subarray(1)), 'plain'],
    ['gzip', plain, 'encoded'],
    ['gzip', gzipSync(plain).subarray(0, 12), 'encoded'],
    ['zstd', plain, 'encoded'],
    ['gzip, gzip', gzipSync(gzipSync(plain)), 'encoded'],
    ['toString', plain, 'encoded'],
  ]
  for (const [encoding, body, expected] of cases) {
    const port = await serveTls((_request, response) => {
      if (encoding !== undefined) response.setHeader('content-encoding', encoding)
      response.end(body)
    })
    const fetched = await guardedFetch(`https://verify.example:${port}/`, LOCAL)
    const said = fetched.kind === 'failed' ? fetched.why : 'plain'
    assert.equal(said, expected, `${encoding} ${body.toString('hex').slice(0, 20)}`)
    if (fetched.kind === 'answer' && fetched.body.length < 100) assert.deepEqual(fetched.body, plain)
  }
})

test('[H21] a request that gives way to another one ends at once and reports it', async () => {
  const port = await serve(() => undefined)
  const silent = (of: string): Promise<string> =>
    whyOf(
      guardedFetch(`http://127.0.0.1:${port}/`, { ...LOCAL, timeoutMs: 300, share: { realm: 'crowd', of } }),
    )
  const first = silent('greedy')
  const others = Array.from({ length: 15 }, () => silent('greedy'))
  const more = Array.from({ length: 16 }, () => silent('greedy too'))
  const late = silent('modest')
  assert.equal(await first, 'busy')
  assert.deepEqual([...new Set(await Promise.all([...others, ...more, late]))], ['timeout'])
})
