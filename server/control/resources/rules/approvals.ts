import type { Entry, Realm } from '@rescind/authority'
import { defined } from '@rescind/core/bytes'
import type { Answer, Stale } from '@rescind/dialects'
import { z } from 'zod'
import { isAnswer, type Problem, problem } from '../../../http/problem.ts'
import {
  APPROVAL_WAIT_MS,
  type ApprovalAct,
  type ApprovalValue,
  type EndApproval,
  endApproval,
} from '../../../pending/approvals.ts'
import { auditMembers, rulesNow } from '../../../pending/kept-rule.ts'
import { ownerOfKey } from '../../../records/control-keys.ts'
import { isSameOwner } from '../../../records/key-owners.ts'
import { approvedSettings } from '../../../records/realm-settings.ts'
import type { Resolved } from '../../../rules/resolved.ts'
import { type Size, sizeOf } from '../../../rules/size.ts'
import { auditOf } from '../../frame/change.ts'
import { type Ask, type Endpoint, endpoint } from '../../frame/endpoint.ts'
import { APPROVAL, REQUESTS } from './approval-json.ts'
import { listPended, pendedAnswer, place, readPended, waitingOne } from './pended.ts'
import { END_BODY, type EndBody, keptRuleOf } from './pending-parts.ts'
import { resolveRule } from './resolve.ts'
import { RULE_MEMBERS, type RuleBody } from './target-schema.ts'

/** The limit of the count for a request that was made by itself. */
const COUNT_MAX = 1_000_000_000

/** Writes a request for approval. @returns 202 with it, or the problem; `stale`: judge again. */
export async function askApproval(
  ask: Pick<Ask, 'realm' | 'by' | 'how'>,
  act: ApprovalAct,
  reason: string,
): Promise<Answer | Stale> {
  const { realm, by } = ask
  const askedAtMs = realm.nowMs()
  const dueAtMs = askedAtMs + APPROVAL_WAIT_MS
  return place(REQUESTS, ask, {
    value: { act, askedBy: by.id, ...defined({ askedByOwner: by.owner }), askedAtMs, dueAtMs, reason },
    status: 202,
    auditAs: (id) => ({ ...auditOf(ask, reason), cause: { code: 'approval', approval: id } }),
  })
}

/** A rule as an act that waits for approval. */
export function revocationAct(
  ask: Pick<Ask<unknown, RuleBody>, 'realm' | 'by' | 'body'>,
  resolved: Resolved,
  size: Size,
): ApprovalAct {
  return { kind: 'revocation', rule: keptRuleOf(ask, resolved), tokens: size.tokens, complete: size.complete }
}

const ASK_BODY: z.ZodType<RuleBody> = z.strictObject(RULE_MEMBERS).meta({ id: 'ApprovalRequest' })

const ASK: Endpoint = endpoint({
  method: 'POST',
  path: REQUESTS.path,
  operation: 'askApproval',
  summary: 'Ask a second person to revoke this, whatever its size',
  role: 'responder',
  rateClass: 'revoke',
  body: ASK_BODY,
  answers: { 202: { what: 'It waits for another key', schema: APPROVAL } },
  handle: async (ask) => {
    const resolved = await resolveRule(ask, ask.body)
    if (isAnswer(resolved)) return resolved
    const size = await sizeOf(ask, resolved, COUNT_MAX)
    return askApproval(ask, revocationAct(ask, resolved, size), ask.body.reason)
  },
})

const APPROVE: Endpoint = endpoint({
  method: 'POST',
  path: `${REQUESTS.path}/{id}/approve`,
  operation: 'approve',
  summary: 'Agree, with a key of another owner than the one that asks: it is done at once',
  role: 'responder',
  rateClass: 'revoke',
  body: END_BODY,
  answers: { 200: { what: 'Approved and done, durably', schema: APPROVAL } },
  handle: (ask) => end(ask, 'approved'),
})

const DENY: Endpoint = endpoint({
  method: 'POST',
  path: `${REQUESTS.path}/{id}/deny`,
  operation: 'deny',
  summary: 'Refuse it, or take it back',
  role: 'responder',
  body: END_BODY,
  answers: { 200: { what: 'Denied', schema: APPROVAL } },
  handle: (ask) => end(ask, 'denied'),
})

async function end(ask: Ask<unknown, EndBody>, to: 'approved' | 'denied'): Promise<Answer | Stale> {
  const { realm, by, how, body, parts } = ask
  const entry = await waitingOne(REQUESTS, ask, to)
  if (isAnswer(entry)) return entry
  if (entry.value.dueAtMs <= realm.nowMs()) return problem(409, 'this request has expired')
  const refused = to === 'approved' ? await refusal(ask, entry) : undefined
  if (refused !== undefined) return refused
  const act = to === 'approved' ? await actOf(realm, entry.value.act) : undefined
  const done = await endApproval(realm, {
    entry,
    to,
    caller: by.caller,
    how,
    reason: body?.reason,
    keptMs: parts.auditRetentionMs,
    ...defined({ act }),
  })
  return done ? pendedAnswer(REQUESTS, ask) : 'stale'
}

/** Nobody approves a request of their own, with whatever key; changes of settings need an admin, approved or not. */
async function refusal(
  { by, parts }: Ask<unknown, EndBody>,
  { value }: Entry<ApprovalValue>,
): Promise<Problem | undefined> {
  if (by.id === value.askedBy)
    return problem(403, 'a request must be approved with another key than it was made with')
  // A node of an earlier version writes no owner, though the key that asked may have one.
  const askedByOwner = value.askedByOwner ?? (await ownerOfKey(parts.realms.system, value.askedBy))
  if (isSameOwner(by.owner, askedByOwner)) return by.owner === undefined ? NO_OWNERS : SAME_OWNER
  if (value.act.kind === 'settings' && by.role !== 'admin')
    return problem(403, 'this call needs a key with the role admin')
  return undefined
}

const SAME_OWNER: Problem = problem(
  403,
  'a request must be approved by another person: this key has the same owner as the one that asks',
)
const NO_OWNERS: Problem = problem(
  403,
  'a request must be approved by another person: keys without an owner count as one; use a key that has one',
)

async function actOf(realm: Realm, act: ApprovalAct): Promise<NonNullable<EndApproval['act']>> {
  if (act.kind === 'settings') return approvedSettings(realm, act.approvalAboveTokens)
  const { rule } = act
  return (audit) => ({
    rules: rulesNow(realm, rule),
    audit: { ...audit, why: rule.reason, ...auditMembers(rule) },
    keepCredentials: rule.keepCredentials,
    alsoEnds: rule.alsoEnds,
  })
}

export const APPROVAL_ENDPOINTS: readonly Endpoint[] = [
  ASK,
  listPended(REQUESTS, {
    operation: 'listApprovals',
    summary: 'Requests that wait for a second person, or those that have been answered',
  }),
  readPended(REQUESTS, { operation: 'readApproval', summary: 'One request, and what became of it' }),
  APPROVE,
  DENY,
]
