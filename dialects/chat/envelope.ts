import { unreachable } from '@rescind/core'
import { type Answer, jsonAnswer, RETRY_AFTER_SECONDS, type Refusal } from '../wire/answer.ts'

type Problem = {
  readonly status: number
  readonly rm: string
  readonly message: string
  /** What the caller does next, for the manual. */
  readonly next: string
}

export type ProblemCode =
  | 'INVALID_BODY'
  | 'INVALID_REQUEST'
  | 'INVALID_QUERY'
  | 'MISSING_API_KEY'
  | 'INVALID_API_KEY'
  | 'INVALID_TOKEN'
  | 'PERMISSION_DENIED'
  | 'MISSING_CLIENT_KEY'
  | 'INVALID_CLIENT_KEY'
  | 'CLIENT_KEY_MISMATCH'
  | 'NOT_FOUND'
  | 'CLIENT_NOT_FOUND'
  | 'TOKEN_NOT_FOUND'
  | 'METHOD_NOT_ALLOWED'
  | 'REQUEST_TIMEOUT'
  | 'TOKEN_CONFLICT'
  | 'PAYLOAD_TOO_LARGE'
  | 'RESULT_TOO_LARGE'
  | 'RATE_LIMIT_EXCEEDED'
  | 'HEADERS_TOO_LARGE'
  | 'INTERNAL_ERROR'
  | 'SERVICE_UNAVAILABLE'

/**
 * Every error of this dialect: its status, which is also its RC (the vendor's clients act on the status, and hang on a
 * 2xx whose RC is not 0), its RM, and its default message.
 */
export const PROBLEMS: Readonly<Record<ProblemCode, Problem>> = {
  INVALID_BODY: {
    status: 400,
    rm: 'Bad Request',
    message: 'The body must be one JSON object.',
    next: 'Send one JSON object, with Content-Type: application/json.',
  },
  INVALID_REQUEST: {
    status: 400,
    rm: 'Bad Request',
    message: 'The request is malformed.',
    next: 'Mend what the message names.',
  },
  INVALID_QUERY: {
    status: 400,
    rm: 'Invalid query syntax',
    message: 'q is not a filter that is known here.',
    next: 'Use a filter of docs/chat.md.',
  },
  MISSING_API_KEY: {
    status: 401,
    rm: 'Unauthorized',
    message: 'Send the API key in IM-API-KEY.',
    next: 'Send the API key of the app from its server.',
  },
  INVALID_API_KEY: {
    status: 401,
    rm: 'Unauthorized',
    message: 'The API key is not valid.',
    next: 'Check the key, and that it was not retired or the app disabled.',
  },
  // The same text for a token that is missing, malformed, unknown, expired, revoked, suspended or of another app.
  INVALID_TOKEN: {
    status: 401,
    rm: 'Unauthorized',
    message: 'The access token is missing or not valid.',
    next: 'Let the client log in again.',
  },
  PERMISSION_DENIED: {
    status: 403,
    rm: 'Forbidden',
    message: 'Platform API permission is required.',
    next: 'Call from the server of the app, with the API key and from an address that the app allows.',
  },
  MISSING_CLIENT_KEY: {
    status: 403,
    rm: 'Forbidden',
    message: 'Send the client key in IM-CLIENT-KEY.',
    next: 'Send the client key of the app.',
  },
  INVALID_CLIENT_KEY: {
    status: 403,
    rm: 'Forbidden',
    message: 'The client key is not valid.',
    next: 'Check the client key, and that the app is not disabled.',
  },
  CLIENT_KEY_MISMATCH: {
    status: 403,
    rm: 'Forbidden',
    message: 'The client key and the API key are of different apps.',
    next: 'Send the two keys of one app.',
  },
  NOT_FOUND: {
    status: 404,
    rm: 'Not Found',
    message: 'There is nothing at this path.',
    next: 'Check the path: its segments are case-sensitive.',
  },
  CLIENT_NOT_FOUND: {
    status: 404,
    rm: 'Client not found',
    message: 'This app has no client with this id.',
    next: 'Create the client first.',
  },
  TOKEN_NOT_FOUND: {
    status: 404,
    rm: 'Token not found',
    message: 'This client has no live token with this text.',
    next: 'Nothing: there is no live token to end.',
  },
  METHOD_NOT_ALLOWED: {
    status: 405,
    rm: 'Method Not Allowed',
    message: 'See the header Allow.',
    next: 'Use a method that Allow names.',
  },
  REQUEST_TIMEOUT: {
    status: 408,
    rm: 'Request Timeout',
    message: 'The request did not arrive in time.',
    next: 'Send it again, faster.',
  },
  // The same text for both, so that a caller learns nothing about the tokens of others.
  TOKEN_CONFLICT: {
    status: 409,
    rm: 'Conflict',
    message: 'This token is in use, or was revoked, and cannot be bound to this client.',
    next: 'Bind another text.',
  },
  PAYLOAD_TOO_LARGE: {
    status: 413,
    rm: 'Payload Too Large',
    message: 'The body is too large.',
    next: 'Send less.',
  },
  RESULT_TOO_LARGE: {
    status: 413,
    rm: 'Query result too large',
    message: 'This would look at more clients than one call may.',
    next: 'Narrow the filter, or ask for a page.',
  },
  RATE_LIMIT_EXCEEDED: {
    status: 429,
    rm: 'Too Many Requests',
    message: 'Ask again later.',
    next: 'Wait for as long as Retry-After says.',
  },
  HEADERS_TOO_LARGE: {
    status: 431,
    rm: 'Request Header Fields Too Large',
    message: 'The headers are too large.',
    next: 'Send fewer or smaller headers.',
  },
  INTERNAL_ERROR: {
    status: 500,
    rm: 'Internal Server Error',
    message: 'Something went wrong here.',
    next: 'Look in the log of the server, and report it.',
  },
  SERVICE_UNAVAILABLE: {
    status: 503,
    rm: 'Service Unavailable',
    message: 'No answer can be given now. Asking again is safe.',
    next: 'Ask again after Retry-After.',
  },
}

/** Ends the handling of a request with an answer. */
export type Refused = { readonly kind: 'refused'; readonly answer: Answer }

export type Beside = {
  /** Members of the vendor's newer API, for apps that ask for them. They follow the envelope's members. */
  readonly members?: Readonly<Record<string, unknown>> | undefined
  readonly headers?: Readonly<Record<string, string>>
}

/** `{RC: 0, RM: "OK", result}`. RC is the number 0, because the vendor's clients compare it with `===`. */
export function ok(result: unknown, beside: Beside = {}): Answer {
  return jsonAnswer(200, { RC: 0, RM: 'OK', result, ...beside.members }, beside.headers)
}

/** 429 with `retryAfter`, as in the vendor's newer API, and with the HTTP header. */
export function tooMany(retryAfter: number, text?: string): Answer {
  const { status, rm, message: usual } = PROBLEMS.RATE_LIMIT_EXCEEDED
  const error = { code: 'RATE_LIMIT_EXCEEDED', message: text ?? usual }
  return jsonAnswer(status, { RC: status, RM: rm, error, retryAfter }, { 'retry-after': String(retryAfter) })
}

/** `{RC, RM, error: {code, message}}`. RC is the HTTP status. A message never quotes the request. */
export function fail(
  code: ProblemCode,
  message?: string,
  headers?: Readonly<Record<string, string>>,
): Answer {
  const { status, rm, message: usual } = PROBLEMS[code]
  return jsonAnswer(status, { RC: status, RM: rm, error: { code, message: message ?? usual } }, headers)
}

export function refused(code: ProblemCode, message?: string): Refused {
  return { kind: 'refused', answer: fail(code, message) }
}

/** The app has exceeded its issuing quota. */
export function overQuota(waitSeconds: number): Refused {
  return { kind: 'refused', answer: tooMany(waitSeconds, 'This app has issued too many tokens.') }
}

/** The server's refusals in this dialect's format. */
export function refusal(why: Refusal): Answer {
  switch (why.kind) {
    case 'malformed':
      return fail('INVALID_REQUEST', why.detail)
    case 'not-found':
      return fail('NOT_FOUND')
    case 'method':
      return fail('METHOD_NOT_ALLOWED', undefined, { allow: why.allow })
    case 'too-large':
      return fail('PAYLOAD_TOO_LARGE')
    case 'headers-too-large':
      return fail('HEADERS_TOO_LARGE')
    case 'timeout':
      return fail('REQUEST_TIMEOUT')
    case 'outage':
      return fail('SERVICE_UNAVAILABLE', undefined, { 'retry-after': RETRY_AFTER_SECONDS })
    case 'bug':
      return fail('INTERNAL_ERROR')
    default:
      return unreachable(why)
  }
}
