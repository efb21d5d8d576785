import type { IncomingHttpHeaders } from 'node:http'
import type { Socket } from 'node:net'
import { OAUTH_PREFIX, type WireRequest } from '@rescind/dialects'
import type { Peer } from '../machine/net/peer.ts'
import { dialledBase, type Links } from './dialled.ts'
import { headerText } from './malformed-requests.ts'

/** The target of a request: the realm's name as the path gives it, and the path within the realm. */
export type Target = {
  readonly realm: string | undefined
  readonly path: string
  readonly query: string | undefined
}

const REALMS = '/realms/'

/** @param publicPath the path of the public URL, or empty. Proxies remove it from every path but that of RFC 8414. */
export function targetOf(url: string, publicPath: string): Target {
  const mark = url.indexOf('?')
  const full = mark < 0 ? url : url.slice(0, mark)
  const query = mark < 0 ? undefined : url.slice(mark + 1)
  if (full.startsWith(REALMS)) return inRealm(full.slice(REALMS.length), query, '')
  if (!full.startsWith(`${WELL_KNOWN}/`)) return { realm: undefined, path: full, query }
  // RFC 8414 §3.1: the well-known part comes first, then the issuer's whole path, including its realm.
  const issuer = issuerPath(full.slice(WELL_KNOWN.length), publicPath)
  if (issuer.startsWith(REALMS)) return inRealm(issuer.slice(REALMS.length), query, WELL_KNOWN)
  return { realm: undefined, path: WELL_KNOWN + issuer, query }
}

/** Removes the public URL's path. Some proxies and clients have left it off already. */
function issuerPath(path: string, publicPath: string): string {
  if (!path.startsWith(`${publicPath}/`)) return path
  const rest = path.slice(publicPath.length)
  return rest.startsWith(REALMS) || rest.startsWith(OAUTH_PREFIX) ? rest : path
}

/** Where gateways ask. What they append to the path is ignored, and so are query and body. */
export const CHECK_PREFIX = '/check'

/** Whether a path within a realm belongs to `/check`. */
export function isCheckPath(path: string): boolean {
  return path === CHECK_PREFIX || path.startsWith(`${CHECK_PREFIX}/`)
}

/** For `/check` a target may be a whole URL (RFC 9112 §3.2.2), or hold a fragment, which is ignored. */
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
  /** Names and values in turn, as they came. If absent, `headers` has each of them once. */
  readonly rawHeaders?: readonly string[]
  readonly target: Target
  readonly body: Uint8Array
  readonly peer: Peer
  /** `http` or `https` as this server is reached directly. */
  readonly scheme: string
  readonly links: Links
  readonly socket: Socket
  /** Set when the body was not buffered; it reads the body. */
  readonly stream?: () => AsyncIterable<Uint8Array>
}

/**
 * Headers that a client passes on for others, and must not be blamed for. Bytes that are not UTF-8 come as Latin-1, and
 * match no token.
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

  /** Every value of a header as its bytes came (Latin-1). Node drops or joins some; this does neither. */
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

  /** The body as it arrives, on routes that do not buffer it. */
  get stream(): AsyncIterable<Uint8Array> | undefined {
    return this.#parts.stream?.()
  }

  /** Aborted when the connection closes, so that an answer that waits for news can stop waiting. */
  get gone(): AbortSignal {
    const { socket } = this.#parts
    const leaving = new AbortController()
    if (socket.destroyed) leaving.abort()
    else socket.once('close', () => leaving.abort())
    return leaving.signal
  }

  /** The Accept header as it came. It only words a refusal, so errors in it do not matter. */
  get accept(): string | undefined {
    return this.#parts.headers.accept
  }

  get base(): string {
    const { target, links } = this.#parts
    const realm = target.realm === undefined ? '' : REALMS + target.realm
    return dialledBase(this.#parts, links) + realm
  }
}
