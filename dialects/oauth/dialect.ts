import type { Realm } from '@rescind/authority'
import { type Awaitable, after } from '@rescind/core'
import type { Answer } from '../wire/answer.ts'
import { type Dialect, untilFresh } from '../wire/dialect.ts'
import { RateLimit } from '../wire/rate.ts'
import type { WireRequest } from '../wire/request.ts'
import { preflight, refusalAnswer, unauthenticated, withCors } from './answers.ts'
import type { Authenticated, Call, Endpoint, OauthOptions } from './call.ts'
import { authenticateClient } from './client-authentication.ts'
import { readBody } from './endpoint-body.ts'
import { Guesses } from './guesses.ts'
import { introspect } from './introspection-endpoint.ts'
import {
  INTROSPECT_PATH,
  JWKS_PATH,
  jwks,
  metadata,
  PREFIX_PATH,
  REVOKE_PATH,
  TOKEN_PATH,
  WELL_KNOWN,
} from './metadata.ts'
import { revoke } from './revocation-endpoint.ts'
import { issueByGrantType } from './token-endpoint.ts'

/** Foreign live tokens that a client may stumble over: 30 at once, then one every two seconds. */
const FOREIGN_PER_SECOND = 0.5
const FOREIGN_BURST = 30

/** `isOpen`: for browsers of any origin, and for public clients. */
type Route = { readonly endpoint: Endpoint; readonly isOpen: boolean }

const ENDPOINTS: ReadonlyMap<string, Route> = new Map<string, Route>([
  [TOKEN_PATH, { endpoint: issueByGrantType, isOpen: true }],
  [REVOKE_PATH, { endpoint: revoke, isOpen: true }],
  [INTROSPECT_PATH, { endpoint: introspect, isOpen: false }],
])

/** OAuth 2.0 (RFC 6749, 7009, 7662, 8414, 8693, 9068, 9701) under the vendor's paths. */
export function createOauthDialect(options: OauthOptions): Dialect {
  const foreign = new RateLimit(FOREIGN_PER_SECOND, FOREIGN_BURST)
  const guesses = new Guesses()
  let last = { base: '', path: '', names: { issuer: PREFIX_PATH, url: '' } }
  /** What a realm and an endpoint are called; the last ones are kept, for texts put together are dear to read. */
  const namesAt = (base: string, path: string): Pick<Call, 'issuer' | 'url'> => {
    if (base !== last.base || path !== last.path)
      last = { base, path, names: { issuer: base + PREFIX_PATH, url: base + path } }
    return last.names
  }
  return {
    name: 'oauth',
    hotPaths: [...ENDPOINTS.keys()],
    handle: (realm, request) => {
      const path = withoutSlash(request.path)
      const route = ENDPOINTS.get(path)
      if (route === undefined) return document(realm, request, options)
      const wire = { realm, request, options, foreign, guesses, ...namesAt(options.baseOf(realm), path) }
      if (!route.isOpen) return answerPost(route, wire)
      if (request.method === 'OPTIONS') return preflight('POST', request.header(ASKED))
      return after(answerPost(route, wire), withCors)
    },
    refuse: (refusal, path) => {
      const isOpen = ENDPOINTS.get(withoutSlash(path))?.isOpen === true
      return isOpen ? withCors(refusalAnswer(refusal)) : refusalAnswer(refusal)
    },
    routeOf: ({ path }) => {
      const plain = withoutSlash(path)
      return ENDPOINTS.has(plain) || isDocumentPath(plain) ? plain : 'oauth:other'
    },
  }
}

function answerPost(route: Route, wire: Omit<Call, 'values' | 'lists' | 'once'>): Awaitable<Answer> {
  const { request } = wire
  // RFC 7662 §2.1 would let a server take GET; a token in a URL ends up in logs.
  if (request.method !== 'POST')
    return refusalAnswer({ kind: 'method', allow: route.isOpen ? 'POST, OPTIONS' : 'POST' })
  const body = readBody(request)
  if (body.kind === 'refused') return body.answer
  const call: Call = { ...wire, values: body.values, lists: body.lists, once: { assertionSpent: false } }
  return untilFresh(() =>
    after(authenticateClient(call), (authentication) => {
      if (authentication.kind === 'refused') return authentication.answer
      return mayCall(route, authentication)
        ? route.endpoint(call, authentication)
        : unauthenticated(request.header('authorization') !== undefined)
    }),
  )
}

/** RFC 7662 §2.1, §4: whoever only names itself may not ask about tokens. */
function mayCall({ isOpen }: Route, { method }: Authenticated): boolean {
  return isOpen || method !== 'none'
}

const ASKED = 'access-control-request-headers'

/** What anybody may read: the metadata and the key set. */
function document(realm: Realm, request: WireRequest, options: OauthOptions): Awaitable<Answer> {
  const path = withoutSlash(request.path)
  if (!isDocumentPath(path)) return refusalAnswer({ kind: 'not-found' })
  if (request.method === 'OPTIONS') return preflight('GET, HEAD', request.header(ASKED))
  if (request.method !== 'GET' && request.method !== 'HEAD')
    return withCors(refusalAnswer({ kind: 'method', allow: 'GET, HEAD, OPTIONS' }))
  const answer = path === JWKS_PATH ? jwks(realm) : metadata(options.baseOf(realm), options)
  return after(answer, withCors)
}

/** RFC 8414 §3.1, the same document below the issuer's path, and the keys. */
function isDocumentPath(path: string): boolean {
  return path === WELL_KNOWN + PREFIX_PATH || path === PREFIX_PATH + WELL_KNOWN || path === JWKS_PATH
}

function withoutSlash(path: string): string {
  return path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path
}
