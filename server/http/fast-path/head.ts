import { HEADERS_MAX_BYTES, isHost } from '../malformed-requests.ts'
import { BODY_MAX_BYTES } from '../read-body.ts'
import type { Target } from '../wire.ts'

/** A route that the fast path may take, with the request line that nearly every client writes. */
export type FastRoute<Mount> = { readonly method: string; readonly target: Target; readonly mount: Mount }

export type FastRoutes<Mount> = ReadonlyMap<string, FastRoute<Mount>>

/** The head of a request: its bytes, and what they say. */
export type Head<Mount> = {
  readonly bytes: Buffer
  readonly route: FastRoute<Mount>
  readonly headers: Readonly<Record<string, string>>
  readonly bodyBytes: number
}

/** The most header lines of a request on the fast path. Requests with more go to Node. */
export const FAST_HEADERS_MAX = 32

/** RFC 9110 §5.1: one colon, one space, printable ASCII that neither begins nor ends with a space. */
const LINE = /^([!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}): ([\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?)$/
const LENGTH = /^(?:0|[1-9][0-9]{0,5})$/
/** Headers that frame a message or change what the connection means. A request with one of them goes to Node. */
const FRAMING: ReadonlySet<string> = new Set([
  'content-encoding',
  'expect',
  'http2-settings',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

/**
 * Recognises one whole request in the bytes of one read: a route of the fast path, every header once and in its
 * plainest form, and a Content-Length that ends exactly where the bytes do. Everything else is left to Node's parser,
 * which then gets the same bytes.
 */
export function readHead<Mount>(bytes: Buffer, routes: FastRoutes<Mount>): Head<Mount> | undefined {
  const end = bytes.indexOf('\r\n\r\n')
  if (end < 0 || end > HEADERS_MAX_BYTES) return undefined
  const lines = bytes.toString('latin1', 0, end).split('\r\n')
  const route = routes.get(lines[0] ?? '')
  if (route === undefined || lines.length > FAST_HEADERS_MAX + 1) return undefined
  const headers = headersOf(lines)
  if (headers === undefined || headers['host'] === undefined || !isHost(headers['host'])) return undefined
  const length = headers['content-length']
  if (length === undefined || !LENGTH.test(length)) return undefined
  const bodyBytes = Number(length)
  const headBytes = end + 4
  if (bodyBytes > BODY_MAX_BYTES || bytes.length !== headBytes + bodyBytes) return undefined
  // Copy the head, because these bytes share a block with the body and with other reads.
  return { bytes: Buffer.from(bytes.subarray(0, headBytes)), route, headers, bodyBytes }
}

/** Whether these bytes are a request with exactly the same head, so that it need not be parsed again. */
export function sameHead(head: Head<unknown>, bytes: Buffer): boolean {
  const headBytes = head.bytes.length
  return (
    bytes.length === headBytes + head.bodyBytes && bytes.compare(head.bytes, 0, headBytes, 0, headBytes) === 0
  )
}

function headersOf(lines: readonly string[]): Readonly<Record<string, string>> | undefined {
  const headers: Record<string, string> = Object.create(null)
  for (let at = 1; at < lines.length; at += 1) {
    const match = LINE.exec(lines[at] as string)
    if (match === null) return undefined
    const name = (match[1] as string).toLowerCase()
    const value = match[2] as string
    if (headers[name] !== undefined || FRAMING.has(name)) return undefined
    if (name === 'connection' && value.toLowerCase() !== 'keep-alive') return undefined
    headers[name] = value
  }
  return headers
}
