import { type Audit, type Operation, type Outcome, whoOf } from '@rescind/authority'
import type { Ask } from './endpoint.ts'

type Act = Pick<Ask, 'realm' | 'by' | 'how'>
type Who = Pick<Ask, 'by' | 'how'>

/** Who, from where and how, as the log keeps it. */
export function auditOf({ by, how }: Who, why?: string): Audit {
  return { ...whoOf(by.caller), how, ...(why === undefined ? {} : { why }) }
}

/** Writes what a caller of this API changed, in one unit that rests on its key being good still. */
export function commitChange({ realm, by }: Act, operations: readonly Operation[]): Promise<Outcome> {
  return realm.commit({ realm: realm.ordinal, standsOn: [by.caller.standing], expects: [], operations })
}
