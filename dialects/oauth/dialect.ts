import { type Awaitable, after, type Realm } from '@rescind/core'
import type { Answer, Stale } from '../wire/answer.ts'
import { type Dialect, untilFresh } from '../wire/dialect.ts'
import { RateLimit } from '../wire/rate.ts'
import type { WireRequest } from '../wire/request.ts'
import { refusalAnswer } from './answers.ts'
import { type Authenticated, authenticateClient } from './client-authentication.ts'
import { type Parameters, readBody } from './endpoint-body.ts'
import { introspect } from './introspection-endpoint.ts'
import { INTROSPECT_PATH, metadata, PREFIX_PATH, REVOKE_PATH, TOKEN_PATH, WELL_KNOWN } from './metadata.ts'
import { revoke } from './revocation-endpoint.ts'
import { issueByGrantType } from './token-endpoint.ts'

export type OauthOptions = {
  /** A realm's base URL, `https://host[/realms/name]`: fixed by configuration, so that nobody can dictate an issuer. */
  readonly baseOf: (realm: Realm) => string
}

/** Foreign live tokens that a client may stumble over: 30 at once, then one every two seconds. */
const FOREIGN_PER_SECOND = 0.5
const FOREIGN_BURST = 30

type Endpoint = (realm: Realm, authenticated: Authenticated, values: Parameters) => Awaitable<Answer | Stale>

/** OAuth 2.0 (RFC 6749, 7009, 7662, 8414) under the vendor's paths. */
export function createOauthDialect(options: OauthOptions): Dialect {
  const foreign = new RateLimit(FOREIGN_PER_SECOND, FOREIGN_BURST)
  const endpoints: ReadonlyMap<string, Endpoint> = new Map<string, Endpoint>([
    [TOKEN_PATH, issueByGrantType],
    [REVOKE_PATH, (realm, authenticated, values) => revoke(realm, authenticated, { values, foreign })],
    [
      INTROSPECT_PATH,
      (realm, authenticated, values) =>
        introspect(realm, authenticated, { values, issuer: options.baseOf(realm) + PREFIX_PATH }),
    ],
  ])
  return {
    name: 'oauth',
    hotPaths: [...endpoints.keys()],
    handle: (realm, request) => {
      const endpoint = endpoints.get(withoutSlash(request.path))
      if (endpoint !== undefined) return call(endpoint, realm, request)
      if (!isMetadataPath(withoutSlash(request.path))) return refusalAnswer({ kind: 'not-found' })
      const reads = request.method === 'GET' || request.method === 'HEAD'
      return reads ? metadata(options.baseOf(realm)) : refusalAnswer({ kind: 'method', allow: 'GET, HEAD' })
    },
    refuse: refusalAnswer,
    routeOf: ({ path }) => {
      const plain = withoutSlash(path)
      return endpoints.has(plain) || isMetadataPath(plain) ? plain : 'oauth:other'
    },
  }
}

function call(endpoint: Endpoint, realm: Realm, request: WireRequest): Awaitable<Answer> {
  if (request.method !== 'POST') return refusalAnswer({ kind: 'method', allow: 'POST' })
  const body = readBody(request)
  if (body.kind === 'refused') return body.answer
  return untilFresh(() =>
    after(authenticateClient(realm, request, body.values), (authentication) =>
      authentication.kind === 'refused'
        ? authentication.answer
        : endpoint(realm, authentication, body.values),
    ),
  )
}

/** RFC 8414 §3.1, and the same document below the issuer's path. */
function isMetadataPath(path: string): boolean {
  return path === WELL_KNOWN + PREFIX_PATH || path === PREFIX_PATH + WELL_KNOWN
}

function withoutSlash(path: string): string {
  return path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path
}
