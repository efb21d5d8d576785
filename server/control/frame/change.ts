import { type Audit, type Expectation, type Operation, type Outcome, whoOf } from '@rescind/authority'
import { defined } from '@rescind/core/bytes'
import type { Answer } from '@rescind/dialects'
import type { Ask } from './endpoint.ts'

type Act = Pick<Ask, 'realm' | 'by'>
type Who = Pick<Ask, 'by' | 'how'>

/** The author, address and way of a change, as the log keeps them. */
export function auditOf({ by, how }: Who, why?: string): Audit {
  return defined({ ...whoOf(by.caller), how, why })
}

/** Commits a caller's change in one write, which depends on the caller's key still being live. */
export function commitChange(
  { realm, by }: Act,
  operations: readonly Operation[],
  expects: readonly Expectation[] = [],
): Promise<Outcome> {
  return realm.commit({ realm: realm.ordinal, dependsOn: [by.caller.dependency], expects, operations })
}

/** Done, with nothing to show. */
export const NO_CONTENT: Answer = { status: 204, headers: {}, body: '' }
