import { unreachable } from '@rescind/core'
import { type Answer, jsonAnswer, RETRY_AFTER_SECONDS, type Refusal } from '../wire/answer.ts'

type Problem = { readonly status: number; readonly rm: string; readonly message: string }

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
const PROBLEMS: Readonly<Record<ProblemCode, Problem>> = {
  INVALID_BODY: { status: 400, rm: 'Bad Request', message: 'The body must be one JSON object.' },
  INVALID_REQUEST: { status: 400, rm: 'Bad Request', message: 'The request is malformed.' },
  INVALID_QUERY: {
    status: 400,
    rm: 'Invalid query syntax',
    message: 'q is not a filter that is known here.',
  },
  MISSING_API_KEY: { status: 401, rm: 'Unauthorized', message: 'Send the API key in IM-API-KEY.' },
  INVALID_API_KEY: { status: 401, rm: 'Unauthorized', message: 'The API key is not valid.' },
  // The same text for a token that is missing, malformed, unknown, expired, revoked, suspended or of another app.
  INVALID_TOKEN: { status: 401, rm: 'Unauthorized', message: 'The access token is missing or not valid.' },
  PERMISSION_DENIED: { status: 403, rm: 'Forbidden', message: 'Platform API permission is required.' },
  MISSING_CLIENT_KEY: { status: 403, rm: 'Forbidden', message: 'Send the client key in IM-CLIENT-KEY.' },
  INVALID_CLIENT_KEY: { status: 403, rm: 'Forbidden', message: 'The client key is not valid.' },
  CLIENT_KEY_MISMATCH: {
    status: 403,
    rm: 'Forbidden',
    message: 'The client key and the API key are of different apps.',
  },
  NOT_FOUND: { status: 404, rm: 'Not Found', message: 'There is nothing at this path.' },
  CLIENT_NOT_FOUND: { status: 404, rm: 'Client not found', message: 'This app has no client with this id.' },
  TOKEN_NOT_FOUND: {
    status: 404,
    rm: 'Token not found',
    message: 'This client has no live token with this text.',
  },
  METHOD_NOT_ALLOWED: { status: 405, rm: 'Method Not Allowed', message: 'See the header Allow.' },
  REQUEST_TIMEOUT: { status: 408, rm: 'Request Timeout', message: 'The request did not arrive in time.' },
  // The same text for both, so that a caller learns nothing about the tokens of others.
  TOKEN_CONFLICT: {
    status: 409,
    rm: 'Conflict',
    message: 'This token is in use, or was revoked, and cannot be bound to this client.',
  },
  PAYLOAD_TOO_LARGE: { status: 413, rm: 'Payload Too Large', message: 'The body is too large.' },
  RESULT_TOO_LARGE: {
    status: 413,
    rm: 'Query result too large',
    message: 'This would look at more clients than one call may.',
  },
  RATE_LIMIT_EXCEEDED: { status: 429, rm: 'Too Many Requests', message: 'Ask again later.' },
  HEADERS_TOO_LARGE: {
    status: 431,
    rm: 'Request Header Fields Too Large',
    message: 'The headers are too large.',
  },
  INTERNAL_ERROR: { status: 500, rm: 'Internal Server Error', message: 'Something went wrong here.' },
  SERVICE_UNAVAILABLE: {
    status: 503,
    rm: 'Service Unavailable',
    message: 'No answer can be given now. Asking again is safe.',
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
