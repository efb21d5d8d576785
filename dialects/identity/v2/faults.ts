import { type Explained, unreachable } from '@rescind/core'
import { formatInstant } from '@rescind/core/bytes'
import { type Answer, jsonAnswer, RETRY_AFTER_SECONDS, type Refusal } from '../../wire/answer.ts'
import type { WireRequest } from '../../wire/request.ts'
import type { BodyRead } from './format.ts'

export type FaultName =
  | 'badRequest'
  | 'unauthorized'
  | 'forbidden'
  | 'userDisabled'
  | 'itemNotFound'
  | 'conflict'
  | 'tenantConflict'
  | 'gone'
  | 'badMethod'
  | 'notAcceptable'
  | 'overLimit'
  | 'badMediaType'
  | 'identityFault'
  | 'serviceUnavailable'

type FaultWords = Explained & { readonly code: number }

/** Names and codes from the vendor's fault.xsd and its status page (badMethod, badMediaType). */
export const FAULTS: Readonly<Record<FaultName, FaultWords>> = {
  badRequest: {
    code: 400,
    what: 'the body, query or path is malformed, or a value is not allowed (408 and 431 bear this name, too)',
    next: 'Mend what the message names.',
  },
  unauthorized: {
    code: 401,
    what: 'the token of the caller is not live, or the credentials of a login are wrong',
    next: 'Log in again, or check the credentials.',
  },
  forbidden: {
    code: 403,
    what: 'it is not for this caller, whatever it names; or a hold suspends the user or tenant',
    next: 'Use a caller with the role that [identity-authority.md](../identity-authority.md) names.',
  },
  userDisabled: {
    code: 403,
    what: 'the user is disabled',
    next: 'Enable the user.',
  },
  itemNotFound: {
    code: 404,
    what: 'there is no such thing, or the token is not live',
    next: 'Take a token that is not found for one that is over.',
  },
  conflict: {
    code: 409,
    what: 'it cannot be done as things stand: a name is taken, say',
    next: 'Read the message, and what is there.',
  },
  tenantConflict: {
    code: 409,
    what: 'a tenant with this id or name is there already',
    next: 'Take another name.',
  },
  gone: {
    code: 410,
    what: 'lists of revoked token ids are not kept',
    next: 'Ask about each token, or read `/v3/OS-REVOKE/events`.',
  },
  badMethod: {
    code: 405,
    what: 'the path has no such method',
    next: 'Use one that `Allow` names.',
  },
  notAcceptable: {
    code: 406,
    what: '`Accept` admits neither JSON nor XML',
    next: 'Accept `application/json` or `application/xml`.',
  },
  overLimit: {
    code: 413,
    what: 'too many requests, or too large a body or list',
    next: 'Wait for as long as `Retry-After` says; without it, ask for less.',
  },
  badMediaType: {
    code: 415,
    what: 'the body is neither JSON nor XML',
    next: 'Send `Content-Type: application/json` or `application/xml`.',
  },
  identityFault: {
    code: 500,
    what: 'a bug; nothing is said about it here',
    next: 'Look in the log, and report it.',
  },
  serviceUnavailable: {
    code: 503,
    what: 'nothing can be said now, and nothing may be assumed',
    next: 'Ask again after `Retry-After`: it is safe.',
  },
}

export type Fault = {
  readonly name: FaultName
  readonly message: string
  /** The status, where it has no fault name. */
  readonly code?: number
  readonly headers?: Readonly<Record<string, string>>
  /** When an over-limit caller may retry, as an ISO time (fault.xsd). */
  readonly retryAt?: string
}

/** On every answer, as in all of the vendor's samples. */
export const VARY: Readonly<Record<string, string>> = { vary: 'Accept, Accept-Encoding, X-Auth-Token' }

/** `{"itemNotFound":{"code":404,"message":"…"}}`, and no member beside it. */
export function writeV2Fault({ name, message, code = FAULTS[name].code, headers, retryAt }: Fault): Answer {
  const body = retryAt === undefined ? { code, message } : { code, message, retryAt }
  return jsonAnswer(code, { [name]: body }, { ...VARY, ...headers })
}

/** Reason phrases of the vendor's status page that differ from HTTP's; v2.0 answers use them. */
const REASONS: ReadonlyMap<number, string> = new Map([
  [204, 'No content'],
  [405, 'Invalid Method'],
  [413, 'Over Limit'],
  [503, 'Service Fault'],
])

export function withReason(answer: Answer): Answer {
  const reason = REASONS.get(answer.status)
  return reason === undefined ? answer : { ...answer, reason }
}

export function fault(name: FaultName, message: string): Answer {
  return writeV2Fault({ name, message })
}

export const WRONG_CODE = 'The code is wrong.'
export const WRONG_CREDENTIALS = 'Unable to authenticate user with credentials provided.'
export const NO_VALID_TOKEN =
  "No valid token provided. Please use the 'X-Auth-Token' header with a valid token."

/** A 401 must name a scheme (RFC 9110 §15.5.2); this is Keystone's. */
export function unauthorized(request: WireRequest, message: string): Answer {
  const headers = { 'www-authenticate': `Keystone uri="${request.base}/v2.0"` }
  return writeV2Fault({ name: 'unauthorized', message, headers })
}

/**
 * A caller or a user's passcodes exceeded a rate, or a request asked for more than one answer holds; the latter may be
 * retried at once.
 */
export function overLimit(waitSeconds: number, nowMs: number, message = 'Too many requests.'): Answer {
  return writeV2Fault({
    name: 'overLimit',
    message,
    headers: { 'retry-after': String(waitSeconds) },
    retryAt: formatInstant(nowMs + waitSeconds * 1_000),
  })
}

/** For a body that could not be parsed. */
export function bodyFault({ kind }: Exclude<BodyRead, { kind: 'body' }>): Answer {
  return kind === 'media-type'
    ? fault(
        'badMediaType',
        'The Content-Type must be application/json or application/xml, in a Unicode encoding.',
      )
    : fault('badRequest', 'The body is not well-formed.')
}

/** The same for unknown, expired, revoked and never issued tokens. */
export function tokenNotFound(): Answer {
  return fault('itemNotFound', 'Token not found.')
}

/** The same for every id that a caller without rights names. */
export function notAuthorized(): Answer {
  return fault('forbidden', 'Not authorized.')
}

/** The user or tenant is under a hold. */
export function suspended(): Answer {
  return fault('forbidden', 'This user or tenant is suspended.')
}

/** The server's refusals in this dialect's words. */
export function faultOf(refusal: Refusal): Fault {
  switch (refusal.kind) {
    case 'malformed':
      return { name: 'badRequest', message: refusal.detail }
    case 'not-found':
      return { name: 'itemNotFound', message: 'The resource could not be found.' }
    case 'method':
      return {
        name: 'badMethod',
        message: 'The method is not valid for this resource.',
        headers: { allow: refusal.allow },
      }
    case 'too-large':
      return { name: 'overLimit', message: 'The request is too large.' }
    case 'headers-too-large':
      return { name: 'badRequest', code: 431, message: 'The headers of the request are too large.' }
    case 'timeout':
      return { name: 'badRequest', code: 408, message: 'The request did not arrive in time.' }
    case 'outage':
      return {
        name: 'serviceUnavailable',
        message: 'The service is not available now. It is safe to try again.',
        headers: { 'retry-after': RETRY_AFTER_SECONDS },
      }
    case 'bug':
      return { name: 'identityFault', message: 'The service could not fulfil the request.' }
    default:
      return unreachable(refusal)
  }
}
