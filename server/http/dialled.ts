import type { IncomingHttpHeaders } from 'node:http'
import { isTrustedHop, type Peer, type TrustedProxies } from '../machine/net/peer.ts'
import { withoutSlashes } from '../machine/net/trailing.ts'

/** Where the base URL of links in answers comes from. */
export type Links = {
  /** The URL by which clients reach this server; it overrides every header. */
  readonly publicUrl: string | undefined
  /** The address that the server listens on, for requests that name no host. */
  readonly fallbackBase: () => string
  readonly proxies: TrustedProxies
}

export type Dialled = {
  /** By lower-case name. */
  readonly headers: Readonly<IncomingHttpHeaders>
  readonly peer: Peer
  /** `http` or `https` as this server is reached directly. */
  readonly scheme: string
}

const HOST = /^(?:[A-Za-z0-9](?:[A-Za-z0-9.-]{0,252}[A-Za-z0-9])?|\[[0-9A-Fa-f:.]{2,45}\])(?::\d{1,5})?$/

/** Segments of plain characters, none a dot segment, because the prefix is written into links, headers and XML. */
const PREFIX = /^(?:\/(?!\.{1,2}(?:\/|$))[A-Za-z0-9._~-]{1,64}){1,8}$/

/**
 * The URL that the client dialled, without the realm and the path. It is `publicUrl` if set, else what trusted proxies
 * say, else the Host header.
 */
export function dialledBase({ headers, peer, scheme }: Dialled, links: Links): string {
  if (links.publicUrl !== undefined) return links.publicUrl
  if (!peer.trusted)
    return HOST.test(headers.host ?? '') ? `${scheme}://${headers.host}` : links.fallbackBase()
  const told = forwardedOf(headers['forwarded'], links.proxies)
  const prefix = prefixOf(headers['x-forwarded-prefix'])
  const host = first(headers['x-forwarded-host']) ?? told.get('host') ?? headers.host ?? ''
  if (!HOST.test(host)) return links.fallbackBase() + prefix
  const proto = (first(headers['x-forwarded-proto']) ?? told.get('proto'))?.toLowerCase()
  return `${proto === 'https' || proto === 'http' ? proto : scheme}://${host}${prefix}`
}

/** The path prefixes that proxies removed, outermost first. Empty when they do not form a plain path. */
function prefixOf(header: string | string[] | undefined): string {
  const parts = typeof header === 'string' ? header.split(',').map((part) => withoutSlashes(part.trim())) : []
  const prefix = parts.join('')
  return PREFIX.test(prefix) ? prefix : ''
}

/** No chain of proxies writes a longer header. The limit is needed because reading quotes takes quadratic time. */
const FORWARDED_MAX_CHARS = 2_048

const NOTHING: ReadonlyMap<string, string> = new Map()

/**
 * The element of the outermost trusted hop (RFC 7239). Each hop appends an element that names its own sender. If that
 * sender is untrusted, it wrote everything to the left.
 */
function forwardedOf(header: string | undefined, proxies: TrustedProxies): ReadonlyMap<string, string> {
  let told = NOTHING
  if (header === undefined || header.length > FORWARDED_MAX_CHARS) return told
  for (const element of elementsOf(header).reverse()) {
    const pairs = pairsOf(element)
    if (pairs === undefined) break
    told = pairs
    if (!isTrustedHop(pairs.get('for') ?? '', proxies)) break
  }
  return told
}

/** Splits at commas, except those inside quotes. */
function elementsOf(header: string): string[] {
  return header.match(/(?:"(?:[^"\\]|\\.)*"|[^,"])+/g) ?? []
}

const PAIR = /^([A-Za-z]+)=(?:"((?:[^"\\]|\\.)*)"|([!#$%&'*+.^_`|~0-9A-Za-z-]+))$/

/** @returns undefined for a malformed element, and for one that repeats a name. */
function pairsOf(element: string): ReadonlyMap<string, string> | undefined {
  const pairs = new Map<string, string>()
  for (const text of element.match(/(?:"(?:[^"\\]|\\.)*"|[^;"])+/g) ?? []) {
    const [, name = '', quoted, token] = PAIR.exec(text.trim()) ?? []
    const value = quoted?.replaceAll(/\\(.)/g, '$1') ?? token
    if (value === undefined || pairs.has(name.toLowerCase())) return undefined
    pairs.set(name.toLowerCase(), value)
  }
  return pairs
}

function first(header: string | string[] | undefined): string | undefined {
  return (typeof header === 'string' ? header : header?.[0])?.split(',')[0]?.trim()
}
