import { splitPath } from '../wire/path.ts'
import type { WireRequest } from '../wire/request.ts'
import { bindToken } from './bind.ts'
import { asAdmin, type Handler } from './callers.ts'
import { putClient } from './clients.ts'
import { getMe } from './me.ts'
import { revokeTokens } from './revoke.ts'

/** First segments of the paths that this dialect answers for, also where it has nothing at them. */
export const CHAT_PREFIXES: readonly string[] = ['admin', 'auths', 'badges', 'me', 'sign', 'verify']

type Endpoint = {
  /** For logs and metrics: never a value out of the path. */
  readonly template: string
  readonly methods: ReadonlyMap<string, Handler>
}

const CLIENT_TOKEN: Endpoint = {
  template: '/admin/clients/:client-id/token',
  methods: new Map([
    ['DELETE', asAdmin(revokeTokens)],
    ['PUT', asAdmin(bindToken)],
  ]),
}
const CLIENTS: Endpoint = {
  template: '/admin/clients',
  methods: new Map([['POST', asAdmin(putClient)]]),
}
const ME: Endpoint = {
  template: '/me',
  // The server sends no body to HEAD; everything else is as for GET.
  methods: new Map<string, Handler>([
    ['GET', getMe],
    ['HEAD', getMe],
  ]),
}

export type Route =
  | { readonly kind: 'endpoint'; readonly endpoint: Endpoint; readonly client: string }
  | { readonly kind: 'not-found' }
  | { readonly kind: 'malformed' }

const NOT_FOUND: Route = { kind: 'not-found' }
const FIXED = { clients: '/admin/clients', me: '/me' }
const CLIENT_TOKEN_PATH = /^\/admin\/clients\/[^/]+\/token\/?$/

/**
 * The route of a path. Only the client's id is decoded, once, after the path was split; the rest has to stand
 * there as it is written here, so that a gateway in front and this table never read a path differently. One
 * slash may follow, as in the seed's example, and leads to no redirect: a DELETE would lose its body on it.
 */
export function routeOf({ path }: Pick<WireRequest, 'path'>): Route {
  const segments = splitPath(path)
  if (segments === undefined) return { kind: 'malformed' }
  if (CLIENT_TOKEN_PATH.test(path))
    return { kind: 'endpoint', endpoint: CLIENT_TOKEN, client: segments[2] ?? '' }
  const bare = path.endsWith('/') ? path.slice(0, -1) : path
  if (bare === FIXED.clients) return { kind: 'endpoint', endpoint: CLIENTS, client: '' }
  if (bare === FIXED.me) return { kind: 'endpoint', endpoint: ME, client: '' }
  return NOT_FOUND
}
