import { isDeepStrictEqual } from 'node:util'
import { type Operation, type Realm, ruleOn } from '@rescind/authority'
import type { CutoffTarget, Target } from '@rescind/core/log'
import { type Problem, problem } from '../../../http/problem.ts'
import { APPROVALS } from '../../../pending/approvals.ts'
import { type Asking, neededApproval } from '../../../rules/size.ts'
import { auditOf } from '../../frame/change.ts'
import type { Ask } from '../../frame/endpoint.ts'

/** How long an approved rule lets calls pass that end exactly the same targets. */
const APPROVED_FOR_MS = 3_600_000
const PAGE = 500

/**
 * Refuses a call whose side effect would end more tokens than one person may end here; undefined: it may go on. The
 * caller then requests the rule by itself. Once a second person has approved it, the call can be repeated.
 */
export async function refusedEnding(
  asking: Asking,
  targets: readonly Target[],
): Promise<Problem | undefined> {
  if ((await neededApproval(asking, { targets })) === undefined) return undefined
  return (await wasApproved(asking.realm, targets)) ? undefined : NEEDS_APPROVAL
}

/** The row that ends what a cutoff covers, to write with the change of a record; or the problem, as above. */
export async function endingRows(
  ask: Asking & Pick<Ask, 'by' | 'how'>,
  target: CutoffTarget,
  why?: string,
): Promise<readonly Operation[] | Problem> {
  const refused = await refusedEnding(ask, [target])
  if (refused !== undefined) return refused
  return [{ kind: 'append', row: ask.realm.row(ruleOn(ask.realm, target), auditOf(ask, why)) }]
}

/** Tells the caller that this permanent change needs a second person. */
const NEEDS_APPROVAL: Problem = problem(
  409,
  'this ends more tokens than one person may end here; ask for the rule by POST /control/v1/revocations, ' +
    'and come again within an hour of its approval',
)

/** Whether a second person has recently agreed to end exactly these targets. */
async function wasApproved(realm: Realm, targets: readonly Target[]): Promise<boolean> {
  const sinceMs = realm.nowMs() - APPROVED_FOR_MS
  let after: string | undefined
  do {
    const { items, next } = await APPROVALS.ended(realm, after, PAGE)
    for (const { value } of items) {
      const { state, endedAtMs, act } = value
      if (state !== 'approved' || act.kind !== 'revocation' || endedAtMs < sinceMs) continue
      if (isDeepStrictEqual(act.rule.targets, targets)) return true
    }
    after = next
  } while (after !== undefined)
  return false
}
