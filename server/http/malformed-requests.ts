import type { IncomingMessage } from 'node:http'

/**
 * Bytes of the request line and all headers; Node answers 431 beyond. Browsers send many cookies, and gateways pass
 * them on beside a JWT of up to 16 KB.
 */
export const HEADERS_MAX_BYTES = 65_536

/**
 * Refuses requests that no dialect could mean and that proxies read differently, before anything is routed. @returns
 * what is wrong with the request line or the headers, or undefined.
 */
export function malformation({ url, headers, rawHeaders, httpVersion }: IncomingMessage): string | undefined {
  if (url === undefined || !url.startsWith('/')) return 'the request target must be a path'
  if (!isPrintable(url)) return 'the request target holds bytes that are not ASCII'
  // Node's parser accepts 0.9 and 2.0, which have other rules.
  if (httpVersion !== '1.1' && httpVersion !== '1.0') return 'the protocol is neither HTTP/1.1 nor HTTP/1.0'
  // RFC 9112 §3.2: an HTTP/1.1 request without Host is answered 400.
  if (headers.host === undefined && httpVersion === '1.1') return 'the Host header is missing'
  if (headers.host !== undefined && !isHost(headers.host)) return 'the Host header names no host'
  // Nothing here decodes bodies. Read as it is, an encoded body would say what its sender did not mean (RFC 9110 §8.4).
  const encoding = headers['content-encoding']
  if (encoding !== undefined && encoding.toLowerCase() !== 'identity') return 'the body must not be encoded'
  let distinct = 0
  for (const name in headers) if (name !== '') distinct += 1
  // Node merges some repeated headers and drops others, so a repeated header is ambiguous.
  if (distinct !== rawHeaders.length / 2 && repeatsSingle(rawHeaders)) return 'a header is repeated'
  return undefined
}

/** Headers that may be lists, and that nothing here depends on. */
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

/** RFC 3986 §3.2.2 and §3.2.3, without user and password. Checks the characters, not whether the name can exist. */
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

/** Node gives header bytes as Latin-1. @returns undefined when they are not UTF-8. */
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
