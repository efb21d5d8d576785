import { type Audit, type Cause, rowsOf } from '@rescind/authority'
import { defined } from '@rescind/core/bytes'
import { type Answer, jsonAnswer, type Stale } from '@rescind/dialects'
import { z } from 'zod'
import { isAnswer, type Problem, problem } from '../../../http/problem.ts'
import {
  endHold,
  extendHold,
  type HoldEnd,
  type HoldValue,
  holdIds,
  holdRules,
} from '../../../pending/holds.ts'
import { PREVIEW, type PreviewJson } from '../../../rules/preview.ts'
import type { Resolved } from '../../../rules/resolved.ts'
import { auditOf, commitChange, NO_CONTENT } from '../../frame/change.ts'
import { type Ask, type Endpoint, endpoint } from '../../frame/endpoint.ts'
import { inScan } from '../../frame/limits.ts'
import { blastRadius } from './blast-radius.ts'
import { refusedEnding } from './ending.ts'
import { HELD, HOLD } from './hold-json.ts'
import { futureInstant } from './instant.ts'
import { listPended, pendedAnswer, place, readPended, waitingOne } from './pended.ts'
import { AHEAD_MAX_MS, END_BODY, keptRuleOf } from './pending-parts.ts'
import { resolveRule } from './resolve.ts'
import { RULE_MEMBERS, type RuleBody, SOURCES_MAX } from './target-schema.ts'
import { TIMEOUT } from './timeout.ts'

type Deadline = { readonly until?: string | undefined; readonly seconds?: number | undefined }

type HoldBody = RuleBody &
  Deadline & {
    readonly atDeadline: 'release' | 'revoke'
    readonly dryRun?: boolean | undefined
    readonly timeoutMs?: number | undefined
  }

type DeadlineMembers = {
  readonly until: z.ZodOptional<z.ZodString>
  readonly seconds: z.ZodOptional<z.ZodInt>
}

const DEADLINE: DeadlineMembers = {
  until: z.string().max(64).optional().describe('RFC 3339: the deadline; or say seconds'),
  seconds: z
    .int()
    .min(1)
    .max(AHEAD_MAX_MS / 1_000)
    .optional()
    .describe('The deadline, from now'),
}

const HOLD_BODY: z.ZodType<HoldBody> = z
  .strictObject({
    ...RULE_MEMBERS,
    ...DEADLINE,
    atDeadline: z.enum(['release', 'revoke']).describe('What the server makes of it at the deadline'),
    dryRun: z.boolean().optional().describe('Only say what it would hold'),
    timeoutMs: TIMEOUT.optional().describe('How long a preview counts'),
  })
  .meta({ id: 'HoldRequest' })

const PLACE_HOLD: Endpoint = endpoint({
  method: 'POST',
  path: HELD.path,
  operation: 'placeHold',
  summary: 'Suspend what a rule covers until a deadline; while it lasts nothing is minted for it either',
  role: 'responder',
  rateClass: 'revoke',
  body: HOLD_BODY,
  answers: {
    200: { what: 'What it would hold; nothing was written', schema: PREVIEW },
    201: { what: 'In force, durably', schema: HOLD },
  },
  handle: placeHold,
})

async function placeHold(ask: Ask<unknown, HoldBody>): Promise<Answer | Stale> {
  const { realm, body } = ask
  const placedAtMs = realm.nowMs()
  const due = dueOf(body, placedAtMs)
  if (isAnswer(due)) return due
  const resolved = await resolveRule(ask, body)
  if (isAnswer(resolved)) return resolved
  if (body.dryRun === true)
    return inScan(ask, async () => jsonAnswer(200, await previewOfHold(ask, resolved)))
  // A hold needs no approval, but a hold that ends in a revocation is a scheduled revocation.
  const refused = body.atDeadline === 'revoke' ? await refusedEnding(ask, resolved.targets) : undefined
  if (refused !== undefined) return refused
  const kept = keptRuleOf(ask, resolved)
  const value: HoldValue = { ...kept, placedAtMs, dueAtMs: due.ms, atDeadline: body.atDeadline }
  return place(HELD, ask, {
    value,
    status: 201,
    auditAs: (id) => ({ ...auditOf(ask, body.reason), ...defined({ note: body.note }), cause: causeOf(id) }),
    beside: (id, audit) => rowsOf(realm, holdRules(id, value), audit),
  })
}

function causeOf(hold: string): Cause {
  return { code: 'hold', hold }
}

/** Previews a hold, which ends no credential unless it becomes a revocation. */
function previewOfHold(ask: Ask<unknown, HoldBody>, resolved: Resolved): Promise<PreviewJson> {
  const { timeoutMs, keepCredentials, atDeadline } = ask.body
  const keepsAll = keepCredentials === true || atDeadline === 'release'
  return blastRadius(ask, { resolved, timeoutMs, keepCredentials: keepsAll })
}

function dueOf({ until, seconds }: Deadline, nowMs: number): { readonly ms: number } | Problem {
  if ((until === undefined) === (seconds === undefined))
    return problem(422, 'until, seconds: give exactly one of them')
  if (until === undefined) return { ms: nowMs + (seconds ?? 0) * 1_000 }
  return futureInstant({ member: 'until', text: until, nowMs }, AHEAD_MAX_MS)
}

function ending(to: HoldEnd): (ask: Ask<unknown, ReleaseBody>) => Promise<Answer | Stale> {
  return async (ask) => {
    const { realm, body, by, how, parts } = ask
    const entry = await waitingOne(HELD, ask, to)
    if (entry === HELD.none && to === 'released' && body?.notHere === true) return releaseElsewhere(ask)
    if (isAnswer(entry)) return entry
    const keptMs = parts.auditRetentionMs
    const refused = to === 'revoked' ? await refusedEnding(ask, entry.value.targets) : undefined
    if (refused !== undefined) return refused
    const done = await endHold(realm, { entry, to, caller: by.caller, how, reason: body?.reason, keptMs })
    return done ? pendedAnswer(HELD, ask) : 'stale'
  }
}

/**
 * Releases a hold that a restore may have lost. Verifiers keep what they knew across a change of epochs, so they may
 * still know it. The row that lifts it reaches the verifiers that follow now.
 */
async function releaseElsewhere(ask: Ask<unknown, ReleaseBody>): Promise<Answer | Stale> {
  const { realm, params, body } = ask
  const id = params['id'] ?? ''
  if (!HOLD_ID.test(id)) return HELD.none
  if (body?.reason === undefined) return problem(422, 'reason: required for a hold')
  const audit: Audit = { ...auditOf(ask, body.reason), cause: causeOf(id) }
  // The number of sources that the hold named is unknown, too.
  const rules = holdIds(id, SOURCES_MAX).map((name) => ({ kind: 'release' as const, id: name }))
  const outcome = await commitChange(ask, rowsOf(realm, rules, audit))
  return outcome.kind === 'applied' ? NO_CONTENT : 'stale'
}

type ReleaseBody =
  | { readonly reason?: string | undefined; readonly notHere?: boolean | undefined }
  | undefined

const HOLD_ID = /^hold_[\w-]{22}$/
const RELEASE_BODY: z.ZodType<ReleaseBody> = z
  .strictObject({
    reason: z.string().min(1).max(256).optional(),
    notHere: z.boolean().optional().describe('Lift it also where only verifiers know it, after a restore'),
  })
  .meta({ id: 'HoldRelease' })
  .optional()

type ExtendBody = Deadline & { readonly reason?: string | undefined }

const EXTEND_BODY: z.ZodType<ExtendBody> = z
  .strictObject({ ...DEADLINE, reason: z.string().min(1).max(256).optional() })
  .meta({ id: 'HoldExtension' })

const EXTEND_HOLD: Endpoint = endpoint({
  method: 'POST',
  path: `${HELD.path}/{id}/extend`,
  operation: 'extendHold',
  summary: 'Put the deadline of this hold off',
  role: 'responder',
  rateClass: 'revoke',
  body: EXTEND_BODY,
  answers: { 200: { what: 'Holds until then, durably', schema: HOLD } },
  problems: [409],
  handle: extend,
})

async function extend(ask: Ask<unknown, ExtendBody>): Promise<Answer | Stale> {
  const { realm, body, by } = ask
  const entry = await waitingOne(HELD, ask)
  if (isAnswer(entry)) return entry
  const due = dueOf(body, realm.nowMs())
  if (isAnswer(due)) return due
  if (due.ms <= entry.value.dueAtMs)
    return problem(422, 'until: not later than its deadline; to end it earlier, release or revoke it')
  const audit = { ...auditOf(ask, body.reason ?? entry.value.reason), cause: causeOf(entry.id) }
  const extension = { entry, dueAtMs: due.ms, caller: by.caller, audit }
  return (await extendHold(realm, extension)) ? pendedAnswer(HELD, ask) : 'stale'
}

const RELEASE_HOLD: Endpoint = endpoint({
  method: 'POST',
  path: `${HELD.path}/{id}/release`,
  operation: 'releaseHold',
  summary: 'Lift this hold; any other one over the same goes on',
  role: 'responder',
  rateClass: 'revoke',
  body: RELEASE_BODY,
  answers: {
    200: { what: 'Lifted', schema: HOLD },
    204: { what: 'Not known here; lifted wherever it is still known' },
  },
  handle: ending('released'),
})

const REVOKE_HOLD: Endpoint = endpoint({
  method: 'POST',
  path: `${HELD.path}/{id}/revoke`,
  operation: 'revokeHold',
  summary: 'Make this hold a revocation of what it holds, and of nothing later',
  role: 'responder',
  rateClass: 'revoke',
  body: END_BODY,
  answers: { 200: { what: 'Revoked, durably', schema: HOLD } },
  handle: ending('revoked'),
})

export const HOLD_ENDPOINTS: readonly Endpoint[] = [
  PLACE_HOLD,
  listPended(HELD, { operation: 'listHolds', summary: 'Holds that are in force, or those that have ended' }),
  readPended(HELD, { operation: 'readHold', summary: 'One hold, and what became of it' }),
  EXTEND_HOLD,
  RELEASE_HOLD,
  REVOKE_HOLD,
]
