import { unreachable } from '@rescind/core'
import { type Answer, jsonAnswer, RETRY_AFTER_SECONDS, type Refusal } from '@rescind/dialects'

/** An answer that says what is wrong. */
export type Problem = Answer

export const PROBLEM_TYPE = 'application/problem+json'

/** An RFC 9457 problem document. `title` belongs to the status; `detail` tells this caller what to do. */
export function problem(status: number, detail: string, headers?: Readonly<Record<string, string>>): Problem {
  const body = { type: 'about:blank', title: TITLES[status] ?? 'Error', status, detail }
  return jsonAnswer(status, body, { ...headers, 'content-type': PROBLEM_TYPE })
}

/** For whoever waits for an operator. */
const LASTING_SECONDS = '60'

/** Whether a step of handling has ended the request. */
export function isAnswer(value: object): value is Answer {
  return 'status' in value && 'headers' in value
}

export const TITLES: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  408: 'Request Timeout',
  409: 'Conflict',
  410: 'Gone',
  412: 'Precondition Failed',
  413: 'Content Too Large',
  415: 'Unsupported Media Type',
  422: 'Unprocessable Content',
  428: 'Precondition Required',
  429: 'Too Many Requests',
  431: 'Request Header Fields Too Large',
  500: 'Internal Server Error',
  503: 'Service Unavailable',
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
