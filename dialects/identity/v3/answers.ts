import { unreachable } from '@rescind/core'
import { type Answer, jsonAnswer, RETRY_AFTER_SECONDS, type Refusal } from '../../wire/answer.ts'
import type { WireRequest } from '../../wire/request.ts'

/** On every answer, as Keystone has it: what is answered hangs on the caller's token. */
const VARY: Readonly<Record<string, string>> = { vary: 'X-Auth-Token' }

const TITLES: ReadonlyMap<number, string> = new Map([
  [400, 'Bad Request'],
  [401, 'Unauthorized'],
  [403, 'Forbidden'],
  [404, 'Not Found'],
  [405, 'Method Not Allowed'],
  [408, 'Request Timeout'],
  [409, 'Conflict'],
  [410, 'Gone'],
  [413, 'Request Entity Too Large'],
  [431, 'Request Header Fields Too Large'],
  [500, 'Internal Server Error'],
  [503, 'Service Unavailable'],
])

type ErrorStatus = 400 | 401 | 403 | 404 | 405 | 408 | 409 | 410 | 413 | 431 | 500 | 503
type Headers = Readonly<Record<string, string>>

/** `{"error":{"code","message","title"}}`, which all of Keystone's clients read. */
function failure(status: ErrorStatus, message: string, headers: Headers = {}): Answer {
  const error = { code: status, message, title: TITLES.get(status) ?? 'Error' }
  return jsonAnswer(status, { error }, { ...VARY, ...headers })
}

export function success(status: 200 | 201 | 300, value: unknown, headers: Headers = {}): Answer {
  return jsonAnswer(status, value, { ...VARY, ...headers })
}

export const NO_CONTENT: Answer = {
  status: 204,
  headers: { ...VARY, 'cache-control': 'no-store' },
  body: '',
}

/** `OPTIONS`: what a path can be asked (RFC 9110 §9.3.7), to anybody; 200 without a body, as Keystone has it. */
export function allowed(methods: string): Answer {
  return { status: 200, headers: { ...VARY, 'cache-control': 'no-store', allow: methods }, body: '' }
}

/** For a broken body, query or path. */
export function malformed(message: string): Answer {
  return failure(400, message)
}

/**
 * The caller's own token, or its credentials, are no good: nothing else is ever 401, or middleware would believe
 * that it has to log in again. A 401 names a scheme (RFC 9110 §15.5.2); this is Keystone's.
 */
export function unauthorized(request: WireRequest, message: string = NO_TOKEN): Answer {
  return failure(401, message, { 'www-authenticate': `Keystone uri="${request.base}/v3"` })
}

const NO_TOKEN = 'The request you have made requires authentication.'

/** The caller may know that this exists, and may not do it. */
export function forbidden(message: string = NOT_ALLOWED): Answer {
  return failure(403, message)
}

/** What comes of a hold over whom it would be for. */
export function suspended(): Answer {
  return forbidden('This user or project is suspended.')
}

const NOT_ALLOWED = 'You are not authorized to perform the requested action.'

/** Unknown, dead, foreign: one answer, to the byte. */
export function tokenNotFound(): Answer {
  return failure(404, 'Could not find the token.')
}

/** What the caller may not see reads like what does not exist. */
export function missing(what: string): Answer {
  return failure(404, `Could not find the ${what}.`)
}

export function conflict(message: string): Answer {
  return failure(409, message)
}

export function overLimit(waitSeconds: number): Answer {
  return failure(413, 'Too many requests.', { 'retry-after': String(waitSeconds) })
}

/** This version's words for what is refused before, beside or after its own meaning. */
export function refusalAnswer(refusal: Refusal): Answer {
  switch (refusal.kind) {
    case 'malformed':
      return failure(400, refusal.detail)
    case 'not-found':
      return failure(404, 'The resource could not be found.')
    case 'method':
      return failure(405, 'The method is not valid for this resource.', { allow: refusal.allow })
    case 'too-large':
      return failure(413, 'The request is too large.')
    case 'headers-too-large':
      return failure(431, 'The headers of the request are too large.')
    case 'timeout':
      return failure(408, 'The request did not arrive in time.')
    case 'outage':
      return failure(503, 'The service is not available now. It is safe to try again.', {
        'retry-after': RETRY_AFTER_SECONDS,
      })
    case 'bug':
      return failure(500, 'The service could not fulfil the request.')
    default:
      return unreachable(refusal)
  }
}
