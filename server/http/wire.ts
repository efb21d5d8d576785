import type { IncomingHttpHeaders } from 'node:http'
import type { Socket } from 'node:net'
import { OAUTH_PREFIX, type WireRequest } from '@rescind/dialects'
import type { Peer } from '../machine/net/peer.ts'
import { dialledBase, type Links } from './dialled.ts'
import { headerText } from './malformed-requests.ts'

/** Where a request is for: the realm's name as the path gives it, and the path within the realm. */
export type Target = {
  readonly realm: string | undefined
  readonly path: string
  readonly query: string | undefined
}

const REALMS = '/realms/'

/** @param publicPath the path of the public URL, empty for none: what proxies take off everything but RFC 8414's path. */
export function targetOf(url: string, publicPath: string): Target {
  const mark = url.indexOf('?')
  const full = mark < 0 ? url : url.slice(0, mark)
  const query = mark < 0 ? undefined : url.slice(mark + 1)
  if (full.startsWith(REALMS)) return inRealm(full.slice(REALMS.length), query, '')
  if (!full.startsWith(`${WELL_KNOWN}/`)) return { realm: undefined, path: full, query }
  // RFC 8414 §3.1: the well-known part comes first, then the issuer's whole path, its realm included.
  const issuer = issuerPath(full.slice(WELL_KNOWN.length), publicPath)
  if (issuer.startsWith(REALMS)) return inRealm(issuer.slice(REALMS.length), query, WELL_KNOWN)
  return { realm: undefined, path: WELL_KNOWN + issuer, query }
}

/** Without the public URL's path; with it left off already, too, as some proxies and clients do. */
function issuerPath(path: string, publicPath: string): string {
  if (!path.startsWith(`${publicPath}/`)) return path
  const rest = path.slice(publicPath.length)
  return rest.startsWith(REALMS) || rest.startsWith(OAUTH_PREFIX) ? rest : path
}

/** Where gateways ask; whatever they append is not looked at, and neither are query and body. */
export const CHECK_PREFIX = '/check'

/** Whether a path within a realm is asked of `/check`. */
export function isCheckPath(path: string): boolean {
  return path === CHECK_PREFIX || path.startsWith(`${CHECK_PREFIX}/`)
}

/** For `/check` a target may be a whole URL (RFC 9112 §3.2.2) or hold a fragment, which says nothing there. */
export function checkTargetOf(url: string): Target {
  const [authority = ''] = AUTHORITY.exec(url) ?? []
  const [rest = ''] = url.slice(authority.length).split('#', 1)
  return targetOf(rest.startsWith('/') ? rest : `/${rest}`, '')
}

const AUTHORITY = /^https?:\/\/[^/?#]*/i

const WELL_KNOWN = '/.well-known/oauth-authorization-server'

function inRealm(rest: string, query: string | undefined, before: string): Target {
  const slash = rest.indexOf('/')
  return slash < 0
    ? { realm: rest, path: `${before}/`, query }
    : { realm: rest.slice(0, slash), path: before + rest.slice(slash), query }
}

export type WireParts = {
  readonly method: string
  /** By lower-case name. */
  readonly headers: Readonly<IncomingHttpHeaders>
  /** Names and values in turn, as they came; absent: `headers` has each of them once. */
  readonly rawHeaders?: readonly string[]
  readonly target: Target
  readonly body: Uint8Array
  readonly peer: Peer
  /** `http` or `https` as this server is reached directly. */
  readonly scheme: string
  readonly links: Links
  readonly socket: Socket
  /** Set when the body was not read: it comes by this. */
  readonly stream?: () => AsyncIterable<Uint8Array>
}

/**
 * Headers that a client passes on from somebody else, and must not be blamed for: bytes that are not UTF-8 come as
 * Latin-1, which is no token of anybody.
 */
const FROM_OTHERS: ReadonlySet<string> = new Set(['x-subject-token'])

/** Thrown for a header that is not UTF-8; the server answers the dialect's 400. */
export class HeaderMalformed extends Error {}

/** A Node request in the words of the dialects. */
export class NodeWireRequest implements WireRequest {
  readonly method: string
  /** The realm's name as the path gives it; undefined for the default one. */
  readonly realm: string | undefined
  readonly path: string
  readonly query: string | undefined
  readonly body: Uint8Array
  readonly from: string
  readonly #parts: WireParts

  constructor(parts: WireParts) {
    this.method = parts.method
    this.realm = parts.target.realm
    this.path = parts.target.path
    this.query = parts.target.query
    this.body = parts.body
    this.from = parts.peer.address
    this.#parts = parts
  }

  /** @throws HeaderMalformed when the header's bytes are not UTF-8. */
  header(name: string): string | undefined {
    const value = this.#parts.headers[name]
    if (value === undefined) return undefined
    const given = typeof value === 'string' ? value : value.join(', ')
    const text = headerText(given) ?? (FROM_OTHERS.has(name) ? given : undefined)
    if (text === undefined) throw new HeaderMalformed(`the header ${name} is not UTF-8`)
    return text
  }

  /** Every value of a header, as its bytes came (Latin-1): none dropped or joined, as Node does to some. */
  values(name: string): readonly string[] {
    const { headers, rawHeaders } = this.#parts
    if (rawHeaders === undefined) return [headers[name] ?? []].flat()
    const found: string[] = []
    for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
      const given = rawHeaders[at] as string
      if (given.length === name.length && given.toLowerCase() === name)
        found.push(rawHeaders[at + 1] as string)
    }
    return found
  }

  /** The body as it comes, where the route has one that is not buffered. */
  get stream(): AsyncIterable<Uint8Array> | undefined {
    return this.#parts.stream?.()
  }

  /** Aborted when the connection is closed: whoever waits for something to say need not any more. */
  get gone(): AbortSignal {
    const { socket } = this.#parts
    const leaving = new AbortController()
    if (socket.destroyed) leaving.abort()
    else socket.once('close', () => leaving.abort())
    return leaving.signal
  }

  /** The Accept header as it came, for wording a refusal: whatever is wrong with it is no matter there. */
  get accept(): string | undefined {
    return this.#parts.headers.accept
  }

  get base(): string {
    const { target, links } = this.#parts
    const realm = target.realm === undefined ? '' : REALMS + target.realm
    return dialledBase(this.#parts, links) + realm
  }
}
