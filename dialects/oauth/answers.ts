import type { Cause } from '@rescind/authority'
import { unreachable } from '@rescind/core'
import { type Answer, JSON_TYPE, jsonAnswer, RETRY_AFTER_SECONDS, type Refusal } from '../wire/answer.ts'

/** RFC 6749 §5.2 and RFC 7009 §2.2.1 where a clause speaks; the vendor's free codes for the rest. */
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

/** RFC 6749 §5.1: never cached, and said to old caches too. */
const UNCACHED = { 'cache-control': 'no-store', pragma: 'no-cache' }

export function success(value: unknown): Answer {
  return successText(JSON.stringify(value))
}

/** The same for JSON that is text already. */
export function successText(body: string): Answer {
  return { status: 200, headers: SUCCESS_HEADERS, body }
}

/** One object for all, so that the server prepares it once. */
const SUCCESS_HEADERS: Answer['headers'] = { 'content-type': JSON_TYPE, ...UNCACHED }

/** An error in the words of both worlds: `error_description` for RFC clients, `errorDescription` for the vendor's. */
export function refuse(status: number, error: ErrorCode, why: Why): Answer {
  const { description, headers } = typeof why === 'string' ? { description: why, headers: {} } : why
  const body = { error, error_description: description, errorDescription: description }
  return jsonAnswer(status, body, { ...UNCACHED, ...headers })
}

/**
 * RFC 6749 §5.2 `invalid_grant`: one answer for unknown, expired, revoked, used, and not yours. Only to the client that
 * a grant belonged to, `cause` says in a form for machines what ended it.
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

/** Seconds after which a client may ask again about what is held: nobody knows when a hold is lifted. */
const HELD_RETRY_SECONDS = 60

/**
 * What is good, and held for now. RFC 6749 §5.2 has no word for it, and on `invalid_grant` clients throw the token away:
 * lifting the hold would not bring the session back. Nothing was used up.
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

/** RFC 7009 §2.3: what a browser's scripts may read, wherever they come from; no cookies are involved anywhere. */
export function withCors(answer: Answer): Answer {
  const known = withCorsHeaders.get(answer.headers)
  const headers = known ?? { ...answer.headers, ...CORS }
  if (known === undefined) withCorsHeaders.set(answer.headers, headers)
  return { ...answer, headers }
}

/**
 * The answer to a preflight (Fetch standard, "CORS-preflight request"). Whatever headers a script wants to send it may:
 * nothing here goes by cookies or by where somebody is, so that a header brings nothing that the script has not itself.
 * @param asked the preflight's `Access-Control-Request-Headers`.
 */
export function preflight(methods: string, asked: string | undefined): Answer {
  const named = asked !== undefined && asked.length <= ASKED_MAX && HEADER_NAMES.test(asked)
  const headers = {
    'access-control-allow-origin': '*',
    'access-control-allow-methods': methods,
    // `*` would leave out Authorization (Fetch standard, "CORS non-wildcard request-header name").
    'access-control-allow-headers': named
      ? `authorization, content-type, ${asked}`
      : 'authorization, content-type',
    'access-control-max-age': '7200',
    vary: 'Access-Control-Request-Headers',
  }
  return { status: 204, headers, body: '' }
}

/** Characters of the headers that one preflight asks for. */
const ASKED_MAX = 1_024
/** A list of header names (RFC 9110 §5.6.1, §5.6.2). */
const HEADER_NAMES = /^[\w!#$%&'*+.^`|~-]+(?:[ \t]*,[ \t]*[\w!#$%&'*+.^`|~-]+)*$/

type Why = string | { readonly description: string; readonly headers: Readonly<Record<string, string>> }

export function badRequest(description: string): Answer {
  return refuse(400, 'invalid_request', description)
}

/**
 * RFC 6749 §5.2: 401 with a challenge when the client used the Authorization header. Otherwise without one: a
 * challenge hides the error code from common clients.
 */
export function unauthenticated(byHeader: boolean): Answer {
  const headers: Record<string, string> = byHeader ? { 'www-authenticate': 'Basic realm="rescind"' } : {}
  return refuse(401, 'invalid_client', { description: 'client authentication failed', headers })
}

/** @param what of which there were too many. */
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
      return refuse(413, 'invalid_request', 'the request body is too large')
    case 'headers-too-large':
      return refuse(431, 'invalid_request', 'the request headers are too large')
    case 'timeout':
      return refuse(408, 'invalid_request', 'the request took too long to arrive')
    case 'outage':
      return refuse(503, 'temporarily_unavailable', {
        description: 'the server cannot answer now; nothing may be assumed, try again',
        headers: { 'retry-after': RETRY_AFTER_SECONDS },
      })
    case 'bug':
      return refuse(500, 'InternalServerError', 'the server failed to answer')
    default:
      return unreachable(refusal)
  }
}
