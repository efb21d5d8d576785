import type { IncomingHttpHeaders } from 'node:http'
import { isTrustedHop, type Peer, type TrustedProxies } from '../machine/net/peer.ts'
import { withoutSlashes } from '../machine/net/trailing.ts'

/** What links in answers are built on. */
export type Links = {
  /** Where clients reach this server, whatever a request says. */
  readonly publicUrl: string | undefined
  /** Where it listens: for requests that name no host. */
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

/** Segments of plain characters, none of them a dot segment: it stands in links, headers and XML. */
const PREFIX = /^(?:\/(?!\.{1,2}(?:\/|$))[A-Za-z0-9._~-]{1,64}){1,8}$/

/**
 * The URL that the client dialled, without the realm and the path: `publicUrl` where there is one, else what trusted
 * proxies say, else the Host header.
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

/** What proxies took off the path, the outermost first; text that is no path is passed over. */
function prefixOf(header: string | string[] | undefined): string {
  const parts = typeof header === 'string' ? header.split(',').map((part) => withoutSlashes(part.trim())) : []
  const prefix = parts.join('')
  return PREFIX.test(prefix) ? prefix : ''
}

/** Longer than any chain of proxies writes it; the reading of quotes costs the square of it. */
const FORWARDED_MAX_CHARS = 2_048

const NOTHING: ReadonlyMap<string, string> = new Map()

/**
 * What the outermost of the trusted hops wrote (RFC 7239): each hop adds an element at the end that names whom it had it
 * from, so what stands left of one that names somebody else was written by that somebody.
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

/** Commas inside quotes separate nothing. */
function elementsOf(header: string): string[] {
  return header.match(/(?:"(?:[^"\\]|\\.)*"|[^,"])+/g) ?? []
}

const PAIR = /^([A-Za-z]+)=(?:"((?:[^"\\]|\\.)*)"|([!#$%&'*+.^_`|~0-9A-Za-z-]+))$/

/** @returns undefined for what is no element, or says a thing twice. */
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
