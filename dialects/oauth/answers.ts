import type { Cause } from '@rescind/authority'
import { type Explained, unreachable } from '@rescind/core'
import { type Answer, JSON_TYPE, jsonAnswer, RETRY_AFTER_SECONDS, type Refusal } from '../wire/answer.ts'

/** Codes of RFC 6749 §5.2 and RFC 7009 §2.2.1 where they define one; the vendor's own codes for the rest. */
export type ErrorCode =
  | 'invalid_request'
  | 'invalid_client'
  | 'invalid_grant'
  | 'unauthorized_client'
  | 'unsupported_grant_type'
  | 'invalid_scope'
  | 'invalid_target'
  | 'temporarily_unavailable'
  | 'Forbidden'
  | 'NotFound'
  | 'MethodNotAllowed'
  | 'TooManyRequests'
  | 'InternalServerError'

type ErrorWords = Explained & { readonly statuses: readonly number[] }

/** Every error of this dialect. */
export const ERRORS: Readonly<Record<ErrorCode, ErrorWords>> = {
  invalid_request: {
    statuses: [400, 408, 413, 431],
    what: 'a parameter is missing, given twice or malformed; with 408, 413 or 431 the request came too slowly or is too large',
    next: 'Mend what `error_description` names.',
  },
  invalid_client: {
    statuses: [401],
    what: 'the client did not prove who it is: unknown, disabled, a wrong secret or assertion',
    next: 'Check the id, the secret and the method of authentication of the client.',
  },
  invalid_grant: {
    statuses: [400],
    what: 'the code or refresh token is unknown, expired, revoked, used already or of another client',
    next: 'Begin a new login; `cause`, if it is there, says what ended the grant.',
  },
  unauthorized_client: {
    statuses: [400],
    what: 'the client may not use this grant type',
    next: 'Add it to `grantTypes` of the client, or use another.',
  },
  unsupported_grant_type: {
    statuses: [400],
    what: 'there is no such grant type',
    next: 'Use one that the metadata lists.',
  },
  invalid_scope: {
    statuses: [400],
    what: 'the scope is malformed, or more than the client or the grant may have',
    next: 'Ask for less; `scopes` of the client has the rest.',
  },
  invalid_target: {
    statuses: [400],
    what: 'the client may not ask for tokens for this `resource` or `audience`',
    next: 'Name one of the `audiences` of the client.',
  },
  temporarily_unavailable: {
    statuses: [400, 503],
    what: '400: a hold suspends the grant, and nothing was consumed; 503: nothing can be said now',
    next: 'Keep the token, and ask again after `Retry-After`.',
  },
  Forbidden: {
    statuses: [403],
    what: 'the token that was to be revoked is of another client',
    next: 'Let its own client revoke it, or use the control API.',
  },
  NotFound: {
    statuses: [404],
    what: 'there is no such endpoint',
    next: 'Check the path against the metadata.',
  },
  MethodNotAllowed: {
    statuses: [405],
    what: 'the endpoint has no such method',
    next: 'Use one that `Allow` names.',
  },
  TooManyRequests: {
    statuses: [429],
    what: 'too many wrong secrets, tokens issued or tokens of other clients tried',
    next: 'Wait for as long as `Retry-After` says.',
  },
  InternalServerError: {
    statuses: [500],
    what: 'a bug; nothing is said about it here',
    next: 'Look in the log, and report it.',
  },
}

/** RFC 6749 §5.1: never cached; `pragma` says so to HTTP/1.0 caches. */
const UNCACHED = { 'cache-control': 'no-store', pragma: 'no-cache' }

export function success(value: unknown): Answer {
  return successText(JSON.stringify(value))
}

/** As `success`, for a body that is already JSON text. */
export function successText(body: string): Answer {
  return { status: 200, headers: SUCCESS_HEADERS, body }
}

/** Shared by all answers, so that the server prepares these headers once. */
const SUCCESS_HEADERS: Answer['headers'] = { 'content-type': JSON_TYPE, ...UNCACHED }

/** An error body for both kinds of clients: `error_description` for RFC clients, `errorDescription` for the vendor's. */
export function refuse(status: number, error: ErrorCode, why: Why): Answer {
  const { description, headers } = typeof why === 'string' ? { description: why, headers: {} } : why
  const body = { error, error_description: description, errorDescription: description }
  return jsonAnswer(status, body, { ...UNCACHED, ...headers })
}

/**
 * RFC 6749 §5.2 `invalid_grant`: the same answer for unknown, expired, revoked and used grants and for those of other
 * clients. `cause` says in machine-readable form what ended the grant. Send it only to the client that held the grant.
 */
export function invalidGrant(cause?: Cause): Answer {
  const description = 'the grant is not valid: unknown, expired, revoked, or used already'
  if (cause === undefined) return refuse(400, 'invalid_grant', description)
  const body = {
    error: 'invalid_grant',
    error_description: description,
    errorDescription: description,
    cause,
  }
  return jsonAnswer(400, body, UNCACHED)
}

/** Retry-After for suspended tokens. The end of a hold is not known in advance. */
const HELD_RETRY_SECONDS = 60

/**
 * A valid token or code under a hold. Not `invalid_grant`, because clients then throw the token away and releasing the
 * hold would not bring the session back. RFC 6749 §5.2 has no code for this. Nothing was consumed.
 */
export function suspended(): Answer {
  return refuse(400, 'temporarily_unavailable', {
    description: 'this is suspended for now: keep what you have, and ask again later',
    headers: { 'retry-after': String(HELD_RETRY_SECONDS) },
  })
}

const CORS = {
  'access-control-allow-origin': '*',
  'access-control-expose-headers': 'Retry-After, WWW-Authenticate',
}

const withCorsHeaders: WeakMap<Answer['headers'], Answer['headers']> = new WeakMap()

/** RFC 7009 §2.3: scripts of any origin may read the answer, because no endpoint uses cookies. */
export function withCors(answer: Answer): Answer {
  const known = withCorsHeaders.get(answer.headers)
  const headers = known ?? { ...answer.headers, ...CORS }
  if (known === undefined) withCorsHeaders.set(answer.headers, headers)
  return { ...answer, headers }
}

/**
 * The answer to a preflight (Fetch standard, "CORS-preflight request"). It allows every header that the script asks
 * for: no endpoint trusts cookies or the network location, so a header gives a script no authority that it lacks.
 * @param asked the preflight's `Access-Control-Request-Headers`.
 */
export function preflight(methods: string, asked: string | undefined): Answer {
  const named = asked !== undefined && asked.length <= ASKED_MAX && HEADER_NAMES.test(asked)
  const headers = {
    'access-control-allow-origin': '*',
    'access-control-allow-methods': methods,
    // `*` would not cover Authorization (Fetch standard, "CORS non-wildcard request-header name").
    'access-control-allow-headers': named
      ? `authorization, content-type, ${asked}`
      : 'authorization, content-type',
    'access-control-max-age': '7200',
    vary: 'Access-Control-Request-Headers',
  }
  return { status: 204, headers, body: '' }
}

/** Longest `Access-Control-Request-Headers` that is echoed, in characters. */
const ASKED_MAX = 1_024
/** A list of header names (RFC 9110 §5.6.1, §5.6.2). */
const HEADER_NAMES = /^[\w!#$%&'*+.^`|~-]+(?:[ \t]*,[ \t]*[\w!#$%&'*+.^`|~-]+)*$/

type Why = string | { readonly description: string; readonly headers: Readonly<Record<string, string>> }

export function badRequest(description: string): Answer {
  return refuse(400, 'invalid_request', description)
}

/**
 * RFC 6749 §5.2: 401, with a challenge only if the client used the Authorization header. Otherwise a challenge would
 * hide the error code from common clients.
 */
export function unauthenticated(byHeader: boolean): Answer {
  const headers: Record<string, string> = byHeader ? { 'www-authenticate': 'Basic realm="rescind"' } : {}
  return refuse(401, 'invalid_client', { description: 'client authentication failed', headers })
}

/** @param what completes the sentence "too many …". */
export function tooMany(what: string, waitSeconds: number): Answer {
  const headers = { 'retry-after': String(waitSeconds) }
  return refuse(429, 'TooManyRequests', { description: `too many ${what}`, headers })
}

export function refusalAnswer(refusal: Refusal): Answer {
  switch (refusal.kind) {
    case 'malformed':
      return badRequest(refusal.detail)
    case 'not-found':
      return refuse(404, 'NotFound', 'there is no such endpoint')
    case 'method':
      return refuse(405, 'MethodNotAllowed', {
        description: `use ${refusal.allow}`,
        headers: { allow: refusal.allow },
      })
    case 'too-large':
      return refuse(413, 'invalid_request', 'the request body is too large; send less')
    case 'headers-too-large':
      return refuse(431, 'invalid_request', 'the request headers are too large; send less')
    case 'timeout':
      return refuse(408, 'invalid_request', 'the request did not arrive in time; send it again')
    case 'outage':
      return refuse(503, 'temporarily_unavailable', {
        description: 'the server cannot answer now; nothing may be assumed, try again',
        headers: { 'retry-after': RETRY_AFTER_SECONDS },
      })
    case 'bug':
      return refuse(500, 'InternalServerError', 'the server failed to answer; its log says why')
    default:
      return unreachable(refusal)
  }
}
