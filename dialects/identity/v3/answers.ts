import { type Explained, unreachable } from '@rescind/core'
import { type Answer, jsonAnswer, RETRY_AFTER_SECONDS, type Refusal } from '../../wire/answer.ts'
import type { WireRequest } from '../../wire/request.ts'

/** On every answer, as in Keystone: answers depend on the caller's token. */
const VARY: Readonly<Record<string, string>> = { vary: 'X-Auth-Token' }

type ErrorStatus = 400 | 401 | 403 | 404 | 405 | 408 | 409 | 413 | 431 | 500 | 503

type ErrorWords = Explained & { readonly title: string }

/** Every error of v3. */
export const ERRORS: Readonly<Record<ErrorStatus, ErrorWords>> = {
  400: {
    title: 'Bad Request',
    what: 'the body, query or path is malformed, or the media type is not JSON',
    next: 'Mend what the message names.',
  },
  401: {
    title: 'Unauthorized',
    what: '`X-Auth-Token` is not live, or the credentials of a login are wrong; never about anything else',
    next: 'Log in again, or check the credentials.',
  },
  403: {
    title: 'Forbidden',
    what: 'the caller may see this and not do it, or a hold suspends the user or project',
    next: 'Use a caller with the role that [identity-authority-v3.md](../identity-authority-v3.md) names.',
  },
  404: {
    title: 'Not Found',
    what: 'what is named is not there, is not for the caller, or `X-Subject-Token` is not live',
    next: 'Take a token that is not found for one that is over.',
  },
  405: {
    title: 'Method Not Allowed',
    what: 'the path has no such method',
    next: 'Use one that `Allow` names.',
  },
  408: {
    title: 'Request Timeout',
    what: 'the request did not arrive in time',
    next: 'Send it again, faster.',
  },
  409: {
    title: 'Conflict',
    what: 'it cannot be done as things stand: a name is taken, say',
    next: 'Read the message, and what is there.',
  },
  413: {
    title: 'Request Entity Too Large',
    what: 'too many requests, or too large a body',
    next: 'Wait for as long as `Retry-After` says; without it, send less.',
  },
  431: {
    title: 'Request Header Fields Too Large',
    what: 'the headers are too large',
    next: 'Send fewer or smaller headers.',
  },
  500: {
    title: 'Internal Server Error',
    what: 'a bug; nothing is said about it here',
    next: 'Look in the log, and report it.',
  },
  503: {
    title: 'Service Unavailable',
    what: 'nothing can be said now, and nothing may be assumed',
    next: 'Ask again after `Retry-After`: it is safe.',
  },
}

type Headers = Readonly<Record<string, string>>

/** `{"error":{"code","message","title"}}`, which all of Keystone's clients understand. */
function failure(status: ErrorStatus, message: string, headers: Headers = {}): Answer {
  const error = { code: status, message, title: ERRORS[status].title }
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

/** `OPTIONS`: the methods of a path (RFC 9110 §9.3.7), for everybody; 200 without a body, as in Keystone. */
export function allowed(methods: string): Answer {
  return { status: 200, headers: { ...VARY, 'cache-control': 'no-store', allow: methods }, body: '' }
}

/** For a malformed body, query or path. */
export function malformed(message: string): Answer {
  return failure(400, message)
}

/**
 * Only for a caller whose own token or credentials are invalid; otherwise middleware would log in again. A 401 must
 * name a scheme (RFC 9110 §15.5.2); this is Keystone's.
 */
export function unauthorized(request: WireRequest, message: string = NO_TOKEN): Answer {
  return failure(401, message, { 'www-authenticate': `Keystone uri="${request.base}/v3"` })
}

const NO_TOKEN = 'The request you have made requires authentication.'

/** The caller may know that this exists, but not do it. */
export function forbidden(message: string = NOT_ALLOWED): Answer {
  return failure(403, message)
}

/** The user or project is under a hold. */
export function suspended(): Answer {
  return forbidden('This user or project is suspended.')
}

const NOT_ALLOWED = 'You are not authorized to perform the requested action.'

/** The same bytes for unknown, dead and foreign tokens. */
export function tokenNotFound(): Answer {
  return failure(404, 'Could not find the token.')
}

/** The same for what the caller may not see and what does not exist. */
export function missing(what: string): Answer {
  return failure(404, `Could not find the ${what}.`)
}

export function conflict(message: string): Answer {
  return failure(409, message)
}

export function overLimit(waitSeconds: number): Answer {
  return failure(413, 'Too many requests.', { 'retry-after': String(waitSeconds) })
}

/** The server's refusals in this version's words. */
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
