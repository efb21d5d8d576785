import { APPROVALS, settleApproval } from './approvals.ts'
import type { Watched } from './deadlines.ts'
import { HOLDS, settleHold } from './holds.ts'
import { type MeasureRule, SCHEDULES, settleSchedule } from './schedules.ts'

/**
 * Everything that has a deadline. @param keptMs how long what has ended can be read. @param measure whether a rule needs a
 * second person.
 */
export function watchedKinds(keptMs: number, measure: MeasureRule): readonly Watched[] {
  return [
    {
      name: HOLDS.name,
      due: (realm) => HOLDS.due(realm),
      settle: (realm, id) => settleHold(realm, id, keptMs),
    },
    {
      name: SCHEDULES.name,
      due: (realm) => SCHEDULES.due(realm),
      settle: (realm, id) => settleSchedule(realm, id, { keptMs, measure }),
    },
    {
      name: APPROVALS.name,
      due: (realm) => APPROVALS.due(realm),
      settle: (realm, id) => settleApproval(realm, id, keptMs),
    },
  ]
}
