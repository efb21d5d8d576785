import type { IncomingMessage } from 'node:http'

/**
 * Bytes of the request line and all headers (Node answers 431 beyond). Browsers send many cookies and gateways pass them
 * on, beside a JWT of up to 16 KB.
 */
export const HEADERS_MAX_BYTES = 65_536

/**
 * What no dialect could want and proxies disagree about; checked before anything is routed. @returns what is wrong
 * with the request line or the headers, or undefined.
 */
export function malformation({ url, headers, rawHeaders, httpVersion }: IncomingMessage): string | undefined {
  if (url === undefined || !url.startsWith('/')) return 'the request target must be a path'
  if (!isPrintable(url)) return 'the request target holds bytes that are not ASCII'
  // Node's parser lets 0.9 and 2.0 pass, which have other rules.
  if (httpVersion !== '1.1' && httpVersion !== '1.0') return 'the protocol is neither HTTP/1.1 nor HTTP/1.0'
  // RFC 9112 §3.2: whoever leaves it out of HTTP/1.1 is answered 400.
  if (headers.host === undefined && httpVersion === '1.1') return 'the Host header is missing'
  if (headers.host !== undefined && !isHost(headers.host)) return 'the Host header names no host'
  // Nothing here decodes bodies: read as they are, they would say what nobody meant (RFC 9110 §8.4).
  const encoding = headers['content-encoding']
  if (encoding !== undefined && encoding.toLowerCase() !== 'identity') return 'the body must not be encoded'
  let distinct = 0
  for (const name in headers) if (name !== '') distinct += 1
  // Node merges or drops repeated headers, each in its own way; whoever sends one twice means two things.
  if (distinct !== rawHeaders.length / 2 && repeatsSingle(rawHeaders)) return 'a header is repeated'
  return undefined
}

/** Headers that lists make sense for, and that no meaning of ours hangs on. */
const LISTS: ReadonlySet<string> = new Set([
  'accept',
  'accept-charset',
  'accept-encoding',
  'accept-language',
  'cache-control',
  'connection',
  'cookie',
  'forwarded',
  'pragma',
  'te',
  'trailer',
  'upgrade',
  'via',
  'x-forwarded-for',
])

function repeatsSingle(rawHeaders: readonly string[]): boolean {
  const seen = new Set<string>()
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = (rawHeaders[at] ?? '').toLowerCase()
    if (seen.has(name) && !LISTS.has(name)) return true
    seen.add(name)
  }
  return false
}

/** RFC 3986 §3.2.2 and §3.2.3, without user and password: the characters, not whether such a name can exist. */
export function isHost(text: string): boolean {
  for (let at = 0; at < text.length; at += 1) {
    if (!HOST_CHARS.has(text.charCodeAt(at))) return false
  }
  return true
}

const HOST_CHARS: ReadonlySet<number> = new Set(
  Array.from("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~%!$&'()*+;=:[]", (char) =>
    char.charCodeAt(0),
  ),
)

function isPrintable(text: string): boolean {
  for (let at = 0; at < text.length; at += 1) {
    const char = text.charCodeAt(at)
    if (char < 0x21 || char > 0x7e) return false
  }
  return true
}

/** Node hands out header bytes as Latin-1. @returns undefined when they are not UTF-8. */
export function headerText(value: string): string | undefined {
  if (isAscii(value)) return value
  const bytes = Buffer.from(value, 'latin1')
  const text = bytes.toString('utf8')
  return Buffer.from(text, 'utf8').equals(bytes) ? text : undefined
}

function isAscii(text: string): boolean {
  for (let at = 0; at < text.length; at += 1) if (text.charCodeAt(at) > 0x7f) return false
  return true
}
