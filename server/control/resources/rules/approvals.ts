import type { Audit, Entry, Realm } from '@rescind/authority'
import { type Answer, formatInstant, jsonAnswer, type Stale } from '@rescind/dialects'
import { z } from 'zod'
import { isAnswer, type Problem, problem } from '../../../http/problem.ts'
import {
  APPROVAL_WAIT_MS,
  APPROVALS,
  type ApprovalAct,
  type ApprovalEnd,
  type ApprovalValue,
  type EndApproval,
  endApproval,
} from '../../../pending/approvals.ts'
import { auditMembers, rowsWithAll, rulesNow } from '../../../pending/kept-rule.ts'
import type { Ended } from '../../../pending/pending.ts'
import { COVERS, type CoversJson, coversJson } from '../../../receipts/covers-json.ts'
import { approvedSettings } from '../../../records/realm-settings.ts'
import type { Resolved } from '../../../rules/resolved.ts'
import { type Size, sizeOf } from '../../../rules/size.ts'
import { auditOf, commitChange } from '../../frame/change.ts'
import { type Ask, type Endpoint, endpoint } from '../../frame/endpoint.ts'
import {
  END_BODY,
  ENDED,
  type EndBody,
  endedJson,
  keptRuleOf,
  listPending,
  PAGE_QUERY,
  readPending,
  tooMany,
} from './pending-parts.ts'
import { resolveRule } from './resolve.ts'
import { RULE_MEMBERS, type RuleBody } from './target-schema.ts'

/** As far as a request that was asked for by itself is counted. */
const COUNT_MAX = 1_000_000_000

type ApprovalJson = {
  readonly id: string
  readonly realm: string
  readonly state: 'waiting' | ApprovalEnd
  readonly act: 'revocation' | 'settings'
  readonly covers?: CoversJson | undefined
  readonly tokens?: number | undefined
  readonly complete?: boolean | undefined
  readonly approvalAboveTokens?: number | null | undefined
  readonly reason: string
  readonly note?: string | undefined
  readonly askedBy: string
  readonly askedAt: string
  readonly expiresAt: string
  readonly revocation?: string | undefined
}

export const APPROVAL: z.ZodType<ApprovalJson> = z
  .strictObject({
    ...{ id: z.string(), realm: z.string(), state: z.enum(['waiting', 'approved', 'denied', 'expired']) },
    act: z.enum(['revocation', 'settings']),
    covers: COVERS.optional(),
    tokens: z.int().optional().describe('Live tokens that it covered when it was asked for'),
    complete: z.boolean().optional().describe('Whether that many exactly; if not, at least'),
    approvalAboveTokens: z.int().nullable().optional(),
    ...{ reason: z.string(), note: z.string().optional() },
    ...{ askedBy: z.string(), askedAt: z.string(), expiresAt: z.string() },
    ...ENDED,
    revocation: z.string().optional().describe('What it became'),
  })
  .meta({ id: 'Approval' })

type Shown = ApprovalValue & Partial<Ended<ApprovalEnd>>

function approvalJson(realm: string, id: string, value: Shown): ApprovalJson {
  const { act } = value
  const what =
    act.kind === 'settings'
      ? { approvalAboveTokens: act.approvalAboveTokens }
      : {
          covers: coversJson(act.rule.targets, act.rule.skewSeconds),
          tokens: act.tokens,
          complete: act.complete,
          note: act.rule.note,
        }
  return {
    ...{ id, realm, state: value.state ?? 'waiting', act: act.kind },
    ...what,
    reason: value.reason,
    askedBy: `control:${value.askedBy}`,
    askedAt: formatInstant(value.askedAtMs),
    expiresAt: formatInstant(value.dueAtMs),
    ...endedJson(value),
  }
}

/** Writes a request for approval. @returns 202 with it, or the problem; `stale`: judge again. */
export async function askApproval(
  ask: Pick<Ask, 'realm' | 'by' | 'how'>,
  act: ApprovalAct,
  reason: string,
): Promise<Answer | Stale> {
  const { realm, by } = ask
  const id = APPROVALS.mintId(realm)
  const slot = await APPROVALS.freeSlot(realm, id)
  if (slot === undefined) return tooMany('requests for approval')
  const audit: Audit = { ...auditOf(ask, reason), cause: { code: 'approval', approval: id } }
  const askedAtMs = realm.nowMs()
  const value: ApprovalValue = {
    act,
    askedBy: by.id,
    askedAtMs,
    dueAtMs: askedAtMs + APPROVAL_WAIT_MS,
    reason,
  }
  const outcome = await commitChange(ask, APPROVALS.put(realm, { id, value, slot, audit }))
  if (outcome.kind !== 'applied') return 'stale'
  return jsonAnswer(202, approvalJson(realm.name, id, value), { location: `/control/v1/approvals/${id}` })
}

/** The act that a rule is, to be approved. */
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
  path: '/approvals',
  operation: 'askApproval',
  summary: 'Ask a second person to revoke this, whatever its size',
  role: 'responder',
  lane: 'revoke',
  body: ASK_BODY,
  answers: { 202: { what: 'It waits for another key', schema: APPROVAL } },
  handle: async (ask) => {
    const resolved = await resolveRule(ask, ask.body)
    if (isAnswer(resolved)) return resolved
    const size = await sizeOf(ask, resolved, COUNT_MAX)
    return askApproval(ask, revocationAct(ask, resolved, size), ask.body.reason)
  },
})

const LIST: Endpoint = endpoint({
  method: 'GET',
  path: '/approvals',
  operation: 'listApprovals',
  summary: 'Requests that wait for a second person, or those that have been answered',
  role: 'viewer',
  query: PAGE_QUERY,
  answers: {
    200: {
      what: 'A page of them',
      schema: z.strictObject({ approvals: z.array(APPROVAL), next: z.string().optional() }),
    },
  },
  handle: (ask) => listPending(ask, APPROVALS, (id, value) => approvalJson(ask.realm.name, id, value)),
})

const READ: Endpoint = endpoint({
  method: 'GET',
  path: '/approvals/{id}',
  operation: 'readApproval',
  summary: 'One request, and what became of it',
  role: 'viewer',
  answers: { 200: { what: 'It', schema: APPROVAL } },
  handle: (ask) => read(ask),
})

function read(ask: Pick<Ask, 'realm' | 'params'>): Promise<Answer> {
  return readPending(ask, {
    kind: APPROVALS,
    show: (id, value) => approvalJson(ask.realm.name, id, value),
    revokedAt: 'approved',
    none: NONE,
  })
}

const NONE: Problem = problem(404, 'no such request for approval')

const APPROVE: Endpoint = endpoint({
  method: 'POST',
  path: '/approvals/{id}/approve',
  operation: 'approve',
  summary: 'Agree, with another key than the one that asks: it is done at once',
  role: 'responder',
  lane: 'revoke',
  body: END_BODY,
  answers: { 200: { what: 'Approved and done, durably', schema: APPROVAL } },
  handle: (ask) => end(ask, 'approved'),
})

const DENY: Endpoint = endpoint({
  method: 'POST',
  path: '/approvals/{id}/deny',
  operation: 'deny',
  summary: 'Refuse it, or take it back',
  role: 'responder',
  body: END_BODY,
  answers: { 200: { what: 'Denied', schema: APPROVAL } },
  handle: (ask) => end(ask, 'denied'),
})

async function end(ask: Ask<unknown, EndBody>, to: 'approved' | 'denied'): Promise<Answer | Stale> {
  const { realm, params, by, how, body, parts } = ask
  const found = await APPROVALS.find(realm, params['id'] ?? '')
  if (found.kind === 'none') return NONE
  if (found.kind === 'ended') return found.value.state === to ? read(ask) : endedBefore(found.value.state)
  const { entry } = found
  if (entry.value.dueAtMs <= realm.nowMs()) return problem(409, 'this request has expired')
  const refused = to === 'approved' ? refusal(ask, entry) : undefined
  if (refused !== undefined) return refused
  const acts = to === 'approved' ? await actsOf(realm, entry.value.act) : undefined
  const done = await endApproval(realm, {
    entry,
    to,
    caller: by.caller,
    how,
    reason: body?.reason,
    keptMs: parts.auditRetentionMs,
    ...(acts === undefined ? {} : { acts }),
  })
  return done ? read(ask) : 'stale'
}

function endedBefore(state: ApprovalEnd): Problem {
  return problem(409, state === 'expired' ? 'this request has expired' : `this request was ${state} before`)
}

/** Nobody approves what they have asked for; and settings are for admins, approved ones too. */
function refusal({ by }: Ask<unknown, EndBody>, { value }: Entry<ApprovalValue>): Problem | undefined {
  if (by.id === value.askedBy) return problem(403, 'another key than the one that asked has to approve')
  if (value.act.kind === 'settings' && by.role !== 'admin')
    return problem(403, 'this needs a key of the role admin')
  return undefined
}

async function actsOf(realm: Realm, act: ApprovalAct): Promise<NonNullable<EndApproval['acts']>> {
  if (act.kind === 'settings') return approvedSettings(realm, act.approvalAboveTokens)
  const { rule } = act
  return async (audit) =>
    rowsWithAll(realm, rulesNow(realm, rule), {
      audit: { ...audit, why: rule.reason, ...auditMembers(rule) },
      keepCredentials: rule.keepCredentials,
    })
}

export const APPROVAL_ENDPOINTS: readonly Endpoint[] = [ASK, LIST, READ, APPROVE, DENY]
