import type { Realm } from '@rescind/authority'
import type { Answer } from '../wire/answer.ts'
import { acknowledgesUnless, type Dialect, untilFresh } from '../wire/dialect.ts'
import { RateLimit } from '../wire/rate.ts'
import type { WireRequest } from '../wire/request.ts'
import type { RouteWords } from '../wire/route-words.ts'
import { preflight, refusalAnswer, unauthenticated, withCors } from './answers.ts'
import type { Authenticated, Call, Endpoint, OauthOptions } from './call.ts'
import { asClient } from './client-authentication.ts'
import { type Body, readBody } from './endpoint-body.ts'
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

/** Live tokens of other clients that a client may try to revoke: 30 at once, then one every two seconds. */
const FOREIGN_PER_SECOND = 0.5
const FOREIGN_BURST = 30

/**
 * `isOpen`: the endpoint serves browsers of any origin and public clients. The others write nothing, so their answers
 * cannot be stale.
 */
type Route = RouteWords &
  (
    | { readonly isOpen: true; readonly endpoint: Endpoint }
    | { readonly isOpen: false; readonly endpoint: Endpoint<Answer> }
  )

const ENDPOINTS: ReadonlyMap<string, Route> = new Map<string, Route>([
  [
    TOKEN_PATH,
    {
      endpoint: issueByGrantType,
      isOpen: true,
      caller: 'a client; a public one for its own grants',
      statuses: [200, 400, 401, 429],
    },
  ],
  [
    REVOKE_PATH,
    {
      endpoint: revoke,
      isOpen: true,
      caller: 'a client, for its own tokens',
      statuses: [200, 400, 401, 403, 429],
    },
  ],
  [
    INTROSPECT_PATH,
    {
      endpoint: introspect,
      isOpen: false,
      caller: 'a client that proves itself; `introspect` of its record says which tokens it sees',
      statuses: [200, 400, 401, 429],
    },
  ],
])

/** The key set and the metadata: by RFC 8414 §3.1, and once more below the path of the issuer. */
const DOCUMENTS: ReadonlySet<string> = new Set([
  WELL_KNOWN + PREFIX_PATH,
  PREFIX_PATH + WELL_KNOWN,
  JWKS_PATH,
])

type Described = RouteWords & { readonly path: string; readonly methods: readonly string[] }

/** Every path of this dialect. */
export function oauthRoutes(): readonly Described[] {
  const endpoints = [...ENDPOINTS].map(([path, { isOpen, caller, statuses }]) => {
    return isOpen
      ? { path, methods: ['POST', 'OPTIONS'], caller, statuses: [...statuses, 204] }
      : { path, methods: ['POST'], caller, statuses }
  })
  const documents = [...DOCUMENTS].map((path) => {
    return { path, methods: ['GET', 'HEAD', 'OPTIONS'], caller: 'anybody', statuses: [200, 204] }
  })
  return [...endpoints, ...documents]
}

/** OAuth 2.0 (RFC 6749, 7009, 7662, 8414, 8693, 9068, 9701) under the vendor's paths. */
export function createOauthDialect(options: OauthOptions): Dialect {
  const foreign = new RateLimit(FOREIGN_PER_SECOND, FOREIGN_BURST)
  const guesses = new Guesses()
  let last = { base: '', path: '', issuer: PREFIX_PATH, url: '' }
  /** The issuer and the endpoint's URL. The last pair is kept, because concatenated strings are slow to read. */
  const namesAt = (base: string, path: string): Pick<Call, 'issuer' | 'url'> => {
    if (base !== last.base || path !== last.path)
      last = { base, path, issuer: base + PREFIX_PATH, url: base + path }
    return last
  }
  return {
    name: 'oauth',
    hotPaths: [...ENDPOINTS.keys()],
    handle: (realm, request) => {
      const path = withoutSlash(request.path)
      const route = ENDPOINTS.get(path)
      if (route === undefined) return document(realm, request, options)
      if (route.isOpen && request.method === 'OPTIONS')
        return Promise.resolve(preflight('POST', request.header(ASKED)))
      const body = readPost(route, request)
      if (body.kind === 'refused') return Promise.resolve(forRoute(route, body.answer))
      const { values, lists } = body
      const { issuer, url } = namesAt(options.baseOf(realm), path)
      const once = { assertionSpent: false }
      const call = { realm, request, options, issuer, url, values, lists, foreign, guesses, once }
      if (!route.isOpen) return asClient(call, (client) => forProved(route.endpoint, call, client))
      return untilFresh(() => asClient(call, (client) => route.endpoint(call, client))).then(withCors)
    },
    refuse: (refusal, path) => {
      const route = ENDPOINTS.get(withoutSlash(path))
      return route === undefined ? refusalAnswer(refusal) : forRoute(route, refusalAnswer(refusal))
    },
    routeOf,
    acknowledges: acknowledgesUnless(JUDGING_OR_ISSUING, routeOf),
  }
}

const JUDGING_OR_ISSUING: ReadonlySet<string> = new Set([`POST ${TOKEN_PATH}`, `POST ${INTROSPECT_PATH}`])

function routeOf({ path }: Pick<WireRequest, 'path'>): string {
  const plain = withoutSlash(path)
  return ENDPOINTS.has(plain) || DOCUMENTS.has(plain) ? plain : 'oauth:other'
}

/** The parameters of a POST. RFC 7662 §2.1 permits GET, but tokens in URLs end up in logs. */
function readPost({ isOpen }: Route, request: WireRequest): Body {
  if (request.method === 'POST') return readBody(request)
  const allow = isOpen ? 'POST, OPTIONS' : 'POST'
  return { kind: 'refused', answer: refusalAnswer({ kind: 'method', allow }) }
}

function forRoute({ isOpen }: Route, answer: Answer): Answer {
  return isOpen ? withCors(answer) : answer
}

/** RFC 7662 §2.1, §4: a client that only names itself may not ask about tokens. */
function forProved(endpoint: Endpoint<Answer>, call: Call, client: Authenticated): Promise<Answer> {
  return client.method === 'none'
    ? Promise.resolve(unauthenticated(call.request.header('authorization') !== undefined))
    : endpoint(call, client)
}

const ASKED = 'access-control-request-headers'

/** The public documents: metadata and key set. */
async function document(realm: Realm, request: WireRequest, options: OauthOptions): Promise<Answer> {
  const path = withoutSlash(request.path)
  if (!DOCUMENTS.has(path)) return refusalAnswer({ kind: 'not-found' })
  if (request.method === 'OPTIONS') return preflight('GET, HEAD', request.header(ASKED))
  if (request.method !== 'GET' && request.method !== 'HEAD')
    return withCors(refusalAnswer({ kind: 'method', allow: 'GET, HEAD, OPTIONS' }))
  return withCors(path === JWKS_PATH ? await jwks(realm) : metadata(options.baseOf(realm), options))
}

function withoutSlash(path: string): string {
  return path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path
}
