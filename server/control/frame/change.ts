import { type Audit, type Expectation, type Operation, type Outcome, whoOf } from '@rescind/authority'
import { defined } from '@rescind/core/bytes'
import type { Answer } from '@rescind/dialects'
import type { Ask } from './endpoint.ts'

type Act = Pick<Ask, 'realm' | 'by'>
type Who = Pick<Ask, 'by' | 'how'>

/** Who, from where and how, as the log keeps it. */
export function auditOf({ by, how }: Who, why?: string): Audit {
  return defined({ ...whoOf(by.caller), how, why })
}

/** Commits what a caller of this API changed, in one write that rests on its key being good still. */
export function commitChange(
  { realm, by }: Act,
  operations: readonly Operation[],
  expects: readonly Expectation[] = [],
): Promise<Outcome> {
  return realm.commit({ realm: realm.ordinal, dependsOn: [by.caller.dependency], expects, operations })
}

/** Done, and there is nothing to show. */
export const NO_CONTENT: Answer = { status: 204, headers: {}, body: '' }
