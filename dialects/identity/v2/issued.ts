import { unreachable } from '@rescind/core'
import type { Answer, Stale } from '../../wire/answer.ts'
import type { Call } from '../call.ts'
import { type Mint, type Minted, mint } from '../session/mint.ts'
import { fault, overLimit, suspended, unauthorized, WRONG_CREDENTIALS } from './faults.ts'

/** Mints a token and answers with `answer`, or with v2.0's fault. */
export async function issued(
  call: Call,
  given: Mint,
  answer: (minted: Minted) => Answer | Promise<Answer>,
): Promise<Answer | Stale> {
  const outcome = await mint(call, given)
  switch (outcome.kind) {
    case 'minted':
      return answer(outcome)
    case 'stale':
      return 'stale'
    case 'consumed':
      return unauthorized(call.request, WRONG_CREDENTIALS)
    case 'held':
      return suspended()
    case 'too-deep':
      return fault('forbidden', 'This token is at the end of too long a chain of tokens: log in again.')
    case 'over-quota':
      return overLimit(outcome.waitSeconds, call.realm.nowMs(), 'Too many tokens were issued.')
    default:
      return unreachable(outcome)
  }
}
