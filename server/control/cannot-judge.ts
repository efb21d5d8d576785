import { RETRY_AFTER_SECONDS } from '@rescind/dialects'
import { type Unjudged, unjudgedWords } from '../judge-token.ts'
import { type Problem, problem } from './frame/problem.ts'

/** The one answer wherever an operator shows a token whose issuer's keys cannot be had. */
export function cannotJudge(unjudged: Unjudged): Problem {
  return problem(503, `token: ${unjudgedWords(unjudged)}`, { 'retry-after': RETRY_AFTER_SECONDS })
}
