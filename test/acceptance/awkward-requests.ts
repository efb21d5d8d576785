import { API_KEY, basic, CLIENT_KEY, CONTROL, FORM_BODY, JSON_BODY, OAUTH } from '../kit/calls.ts'
import { latin1, requestBytes } from '../kit/raw-http.ts'
import { ANN, SVC } from '../kit/seed.ts'

/** Bytes that a client sends over one connection. */
export type Awkward = {
  readonly name: string
  /** Written one by one; the server reads each before the next one comes. */
  readonly parts: readonly Buffer[]
  /** `half`: the client closes its side behind the last part. `open`: the server has to end the connection. */
  readonly ending: 'half' | 'open'
}

type Plain = { readonly line: string; readonly headers?: readonly string[]; readonly body?: string }

const LOGIN = JSON.stringify({ auth: { passwordCredentials: { username: ANN.username, password: 'wrong' } } })

/** One request or more of each mount, with a body and without. */
const PLAIN: readonly Plain[] = [
  { line: 'GET /healthz' },
  { line: 'HEAD /readyz' },
  { line: 'GET /nowhere' },
  { line: 'GET /check', headers: ['Authorization: Bearer unknown'] },
  { line: 'GET /me', headers: [CLIENT_KEY, 'IM-Authorization: unknown'] },
  { line: 'GET /v3', headers: ['Accept: application/json'] },
  { line: 'DELETE /v2.0/tokens', headers: ['X-Auth-Token: unknown'] },
  { line: 'GET /control/v1/realms', headers: [CONTROL] },
  { line: 'OPTIONS /api/id/v1/auth/token', headers: ['Origin: https://app.example'] },
  { line: `POST ${OAUTH}`, headers: [FORM_BODY, basic(SVC)], body: 'grant_type=client_credentials' },
  { line: `POST ${OAUTH}/introspect`, headers: [FORM_BODY, basic(SVC)], body: 'token=unknown' },
  { line: 'POST /v2.0/tokens', headers: [JSON_BODY], body: LOGIN },
  { line: 'POST /admin/clients', headers: [API_KEY, JSON_BODY], body: '{"_id":"ann"}' },
]

const INTROSPECT = PLAIN[10] as Plain
const CLOSE = 'Connection: close'

function bytesOf({ line, headers = [], body }: Plain, more: readonly string[] = [], version = '1.1'): Buffer {
  const parts = { line: `${line} HTTP/${version}`, headers: [...headers, ...more] }
  return requestBytes(body === undefined ? parts : { ...parts, body })
}

/** The same request in the forms that a client, a proxy or a slow line may give it. */
function formsOf(plain: Plain): readonly Awkward[] {
  const whole = bytesOf(plain)
  const [method = '', path = ''] = plain.line.split(' ')
  const half = (form: string, ...parts: readonly Buffer[]): Awkward => ({
    name: `${plain.line}, ${form}`,
    parts,
    ending: 'half',
  })
  const open = (form: string, ...parts: readonly Buffer[]): Awkward => ({
    ...half(form, ...parts),
    ending: 'open',
  })
  const absolute = { ...plain, line: `${method} http://127.0.0.1:8080${path}` }
  return [
    half('half-closed', whole),
    open('with Connection: close', bytesOf(plain, [CLOSE])),
    open('in HTTP/1.0', bytesOf(plain, [], '1.0')),
    half('three times at once', Buffer.concat([whole, whole, whole])),
    half('cut in its line', ...cut(whole, 3)),
    half('cut before its last byte', ...cut(whole, whole.length - 1)),
    half('in absolute form', bytesOf(absolute)),
    ...(plain.body === undefined
      ? [half('broken off', whole.subarray(0, -2))]
      : bodyForms(plain, plain.body)),
  ]

  function bodyForms(one: Plain, body: string): readonly Awkward[] {
    const chunked = bytesOf({
      line: one.line,
      headers: [...(one.headers ?? []), 'Transfer-Encoding: chunked'],
    })
    const chunks = latin1(
      `1\r\n${body.slice(0, 1)}\r\n${(body.length - 1).toString(16)}\r\n${body.slice(1)}\r\n0\r\n\r\n`,
    )
    return [
      half('its head and its body apart', ...cut(whole, whole.indexOf('\r\n\r\n') + 4)),
      half('in chunks', chunked, chunks),
      half('broken off', whole.subarray(0, -2)),
    ]
  }
}

function cut(bytes: Buffer, at: number): readonly Buffer[] {
  return [bytes.subarray(0, at), bytes.subarray(at)]
}

/** Bytes that are no request, or one that proxies read differently. */
const ODD: Readonly<Record<string, string | readonly string[]>> = {
  'no Host': 'GET /healthz HTTP/1.1\r\n\r\n',
  'two Hosts': 'GET /healthz HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n',
  'a Host that is none': 'GET /healthz HTTP/1.1\r\nHost: a b\r\n\r\n',
  'a version of its own': 'GET /healthz HTTP/2.0\r\nHost: a\r\n\r\n',
  'HTTP/0.9': 'GET /healthz\r\n\r\n',
  'empty lines before it': '\r\n\r\nGET /healthz HTTP/1.1\r\nHost: a\r\n\r\n',
  'bare line feeds': 'GET /healthz HTTP/1.1\nHost: a\n\n',
  'a method in lower case': 'get /healthz HTTP/1.1\r\nHost: a\r\n\r\n',
  'a method of its own': 'BREW /healthz HTTP/1.1\r\nHost: a\r\n\r\n',
  'no target': 'GET HTTP/1.1\r\nHost: a\r\n\r\n',
  'a target with a space': 'GET /a b HTTP/1.1\r\nHost: a\r\n\r\n',
  'a target with a NUL': 'GET /a\0b HTTP/1.1\r\nHost: a\r\n\r\n',
  'a target beyond ASCII': 'GET /\xe4 HTTP/1.1\r\nHost: a\r\n\r\n',
  'a broken escape': 'GET /v2.0/tokens/%zz HTTP/1.1\r\nHost: a\r\n\r\n',
  'dot segments': 'GET /v2.0/../me HTTP/1.1\r\nHost: a\r\n\r\n',
  'an asterisk': 'OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n',
  'an authority': 'CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n',
  'another authority': 'GET https://other.example/me HTTP/1.1\r\nHost: a\r\n\r\n',
  'a header without a colon': 'GET /healthz HTTP/1.1\r\nHost: a\r\nwrong\r\n\r\n',
  'a header with a space in its name': 'GET /healthz HTTP/1.1\r\nHost: a\r\nX Y: z\r\n\r\n',
  'a folded header': 'GET /healthz HTTP/1.1\r\nHost: a\r\nX: y\r\n z\r\n\r\n',
  'a NUL in a header': 'GET /healthz HTTP/1.1\r\nHost: a\r\nX: y\0z\r\n\r\n',
  'a header twice': 'GET /me HTTP/1.1\r\nHost: a\r\nIM-Authorization: b\r\nIM-Authorization: c\r\n\r\n',
  'an encoded body':
    'POST /v2.0/tokens HTTP/1.1\r\nHost: a\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}',
  'a length of letters': 'POST /v2.0/tokens HTTP/1.1\r\nHost: a\r\nContent-Length: two\r\n\r\n{}',
  'a length below zero': 'POST /v2.0/tokens HTTP/1.1\r\nHost: a\r\nContent-Length: -2\r\n\r\n{}',
  'two lengths': 'POST /v2.0/tokens HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}',
  'a length and chunks':
    'POST /v2.0/tokens HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
  'an unknown transfer coding':
    'POST /v2.0/tokens HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: zip\r\n\r\n0\r\n\r\n',
  'a chunk without a size':
    'POST /v2.0/tokens HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n',
  'a chunk that is longer':
    'POST /v2.0/tokens HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{}\r\n',
  'chunks with a trailer':
    'POST /v2.0/tokens HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\nX: y\r\n\r\n',
  'a declared body that is too large': `POST ${OAUTH} HTTP/1.1\r\nHost: a\r\nContent-Length: 9999999\r\n\r\n`,
  'an unknown expectation': 'GET /healthz HTTP/1.1\r\nHost: a\r\nExpect: wonders\r\n\r\n',
  'an upgrade to WebSocket':
    'GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n',
  'the preface of HTTP/2': 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
  'no request at all': '\x16\x03\x01\x02\x00',
  nothing: '',
  'a good request and a broken one': 'GET /healthz HTTP/1.1\r\nHost: a\r\n\r\nGET /healthz HTTP/9\r\n\r\n',
  'a broken request and a good one':
    'GET /a b HTTP/1.1\r\nHost: a\r\n\r\nGET /healthz HTTP/1.1\r\nHost: a\r\n\r\n',
  'two requests, cut within the second': [
    'GET /healthz HTTP/1.1\r\nHost: a\r\n\r\nGET /no',
    'where HTTP/1.1\r\nHost: a\r\n\r\n',
  ],
}

/** `Expect: 100-continue`, and headers up to the bound and beyond. */
function large(): readonly Awkward[] {
  const padded = (bytes: number): Buffer =>
    bytesOf({ line: 'GET /healthz' }, [`X-Pad: ${'x'.repeat(bytes)}`, CLOSE])
  const many = Array.from({ length: 1_500 }, (_, at) => `X-${at}: y`)
  const expecting = bytesOf(INTROSPECT, ['Expect: 100-continue'])
  return [
    { name: 'a header of 60 KiB', parts: [padded(61_440)], ending: 'open' },
    { name: 'a header of 60 KiB, in two parts', parts: cut(padded(61_440), 40_000), ending: 'open' },
    { name: 'headers just beyond 64 KiB', parts: [padded(65_536)], ending: 'open' },
    { name: '1,500 headers', parts: [bytesOf({ line: 'GET /healthz' }, [...many, CLOSE])], ending: 'open' },
    {
      name: 'an expectation of 100',
      parts: cut(expecting, expecting.indexOf('\r\n\r\n') + 4),
      ending: 'half',
    },
  ]
}

export const AWKWARD: readonly Awkward[] = [
  ...PLAIN.flatMap(formsOf),
  ...Object.entries(ODD).map(([name, texts]): Awkward => {
    return { name, parts: [texts].flat().map(latin1), ending: 'half' }
  }),
  ...large(),
]
