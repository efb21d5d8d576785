import type { Entry } from '@rescind/authority'
import { APPROVALS, settleApproval } from '../pending/approvals.ts'
import { HOLDS, settleHold } from '../pending/holds.ts'
import type { PendingKind, Waiting } from '../pending/pending.ts'
import { type MeasureRule, SCHEDULES, settleSchedule } from '../pending/schedules.ts'
import type { Due, Watched } from './deadlines.ts'

/**
 * All kinds of items with deadlines. @param keptMs how long ended items stay readable. @param measure tells whether a
 * rule needs a second person.
 */
export function watchedKinds(keptMs: number, measure: MeasureRule): readonly Watched[] {
  return [
    watched(HOLDS, {
      // A release lets tokens in again, so it waits for a trusted clock.
      endsTokens: ({ atDeadline }) => atDeadline === 'revoke',
      settle: (realm, id, nowMs) => settleHold(realm, id, { keptMs, nowMs }),
    }),
    watched(SCHEDULES, {
      endsTokens: () => true,
      settle: (realm, id, nowMs) => settleSchedule(realm, id, { keptMs, nowMs, measure }),
    }),
    watched(APPROVALS, {
      // Its lapse ends no token, and the request could still be approved.
      endsTokens: () => false,
      settle: (realm, id, nowMs) => settleApproval(realm, id, { keptMs, nowMs }),
    }),
  ]
}

type Settled<T> = Pick<Watched, 'settle'> & { readonly endsTokens: (value: T) => boolean }

function watched<T extends Waiting, State extends string>(
  { name, collection }: PendingKind<T, State>,
  { endsTokens, settle }: Settled<T>,
): Watched {
  const dueOf = ({ id, value }: Entry<T>): Due => ({
    id,
    dueAtMs: value.dueAtMs,
    endsTokens: endsTokens(value),
  })
  return {
    name,
    async *all({ directory }) {
      for await (const entry of directory.all(collection)) yield dueOf(entry)
    },
    one: async ({ directory }, id) => {
      const { entry } = await directory.state(collection, id)
      return entry === undefined ? undefined : dueOf(entry)
    },
    settle,
  }
}
