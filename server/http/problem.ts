import { type Explained, unreachable } from '@rescind/core'
import { type Answer, jsonAnswer, RETRY_AFTER_SECONDS, type Refusal } from '@rescind/dialects'

/** An answer that says what is wrong. */
export type Problem = Answer

export const PROBLEM_TYPE = 'application/problem+json'

export type ProblemStatus =
  | 400
  | 401
  | 403
  | 404
  | 405
  | 408
  | 409
  | 412
  | 413
  | 415
  | 422
  | 429
  | 431
  | 500
  | 503

/** An RFC 9457 problem document. `title` belongs to the status; `detail` tells this caller what to do. */
export function problem(
  status: ProblemStatus,
  detail: string,
  headers?: Readonly<Record<string, string>>,
): Problem {
  const body = { type: 'about:blank', title: PROBLEMS[status].title, status, detail }
  return jsonAnswer(status, body, { ...headers, 'content-type': PROBLEM_TYPE })
}

export function titleOf(status: number): string {
  return isProblemStatus(status) ? PROBLEMS[status].title : 'Error'
}

function isProblemStatus(status: number): status is ProblemStatus {
  return Object.hasOwn(PROBLEMS, status)
}

/** For callers who have to wait for an operator. */
const LASTING_SECONDS = '60'

/** Whether a step of handling has ended the request. */
export function isAnswer(value: object): value is Answer {
  return 'status' in value && 'headers' in value
}

type ProblemWords = Explained & { readonly title: string }

/** Every status of a problem. */
export const PROBLEMS: Readonly<Record<ProblemStatus, ProblemWords>> = {
  400: {
    title: 'Bad Request',
    what: 'a broken path, query, body or cursor; a header or member twice; a body where none is taken',
    next: 'Mend what `detail` names.',
  },
  401: {
    title: 'Unauthorized',
    what: 'no key, or one that is unknown, expired or ended; at `/check`, no credential that is accepted',
    next: 'Send a live key as `Authorization: Bearer KEY`.',
  },
  403: {
    title: 'Forbidden',
    what: 'the role of the key is too small, or the key is of another kind; at `/check`, the credential lacks a required scope',
    next: 'Use a key with the role that [routes.md](routes.md) names.',
  },
  404: {
    title: 'Not Found',
    what: "no such path, realm, record or profile; a realm that is not the key's reads the same",
    next: 'Check the path and `?realm=`.',
  },
  405: {
    title: 'Method Not Allowed',
    what: 'the path has no such method',
    next: 'Use one that `Allow` names.',
  },
  408: {
    title: 'Request Timeout',
    what: 'the request took too long to arrive',
    next: 'Send it again, faster.',
  },
  409: {
    title: 'Conflict',
    what: 'it cannot be done as things stand; or a call with this `Idempotency-Key` is running',
    next: 'Read `detail`, and the record anew; then decide.',
  },
  412: {
    title: 'Precondition Failed',
    what: '`If-Match` names a version that has been replaced',
    next: 'Read the record, apply the change to it, and send its new `ETag`.',
  },
  413: {
    title: 'Content Too Large',
    what: 'the body is too large',
    next: 'Send less: [limits.md](../limits.md) has the bounds.',
  },
  415: {
    title: 'Unsupported Media Type',
    what: 'the body is of another media type',
    next: 'Send `Content-Type: application/json`, or the type that the endpoint takes.',
  },
  422: {
    title: 'Unprocessable Content',
    what: 'a member or parameter is unknown, missing or not as described; or an `Idempotency-Key` of another request',
    next: 'Mend the member that `detail` names.',
  },
  429: {
    title: 'Too Many Requests',
    what: 'the key asks too often, or too much at once',
    next: 'Wait for as long as `Retry-After` says.',
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
    what: 'nothing may be assumed about the request; it may or may not have been done',
    next: 'Ask again after `Retry-After`: it is safe. If it lasts, `GET /readyz` says what is out of order.',
  },
}

export function refusalProblem(refusal: Refusal): Problem {
  switch (refusal.kind) {
    case 'malformed':
      return problem(400, refusal.detail)
    case 'not-found':
      return problem(404, 'no such path')
    case 'method':
      return problem(405, `use ${refusal.allow}`, { allow: refusal.allow })
    case 'too-large':
      return problem(413, 'the request body is too large; send less')
    case 'headers-too-large':
      return problem(431, 'the request headers are too large; send less')
    case 'timeout':
      return problem(408, 'the request did not arrive in time; send it again')
    case 'outage':
      return refusal.advice === undefined
        ? problem(503, 'the outcome of this request is unknown; repeating it is safe', {
            'retry-after': RETRY_AFTER_SECONDS,
          })
        : problem(503, `nothing was done, and a repetition will not help: ${refusal.advice}`, {
            'retry-after': LASTING_SECONDS,
          })
    case 'bug':
      return problem(500, 'the server failed to answer; its log says why')
    default:
      return unreachable(refusal)
  }
}
