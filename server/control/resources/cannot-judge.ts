import { RETRY_AFTER_SECONDS } from '@rescind/dialects'
import { type Problem, problem } from '../../http/problem.ts'
import { type Unjudged, unjudgedWords } from '../../judging/judge-token.ts'
import type { PastedToken } from './pasted.ts'

/** The one answer to a token whose issuer's keys are unavailable. */
export function cannotJudge(unjudged: Unjudged): Problem {
  return problem(503, `token: ${unjudgedWords(unjudged)}`, { 'retry-after': RETRY_AFTER_SECONDS })
}

/**
 * The answer to pasted text that is not a token. It says what the text looks like, so that it is not mistaken for an
 * all-clear.
 */
export function notJudged(
  { kind, why }: Exclude<PastedToken, { readonly kind: 'judged' }>,
  member: 'token' | 'target',
): Problem {
  return kind === 'refused' ? problem(422, `${member}: ${why}`) : problem(404, why)
}
