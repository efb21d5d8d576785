import type { Realm } from '@rescind/authority'
import { formatInstant } from '@rescind/core/bytes'
import type { Answer, Stale } from '@rescind/dialects'
import { z } from 'zod'
import { isAnswer, problem } from '../../../http/problem.ts'
import type { Ended } from '../../../pending/pending.ts'
import {
  cancelSchedule,
  SCHEDULES,
  type ScheduleEnd,
  type ScheduleValue,
} from '../../../pending/schedules.ts'
import { COVERS, type CoversJson, coversJson } from '../../../receipts/covers-json.ts'
import { auditOf } from '../../frame/change.ts'
import { type Ask, type Endpoint, endpoint } from '../../frame/endpoint.ts'
import { refusedEnding } from './ending.ts'
import { futureInstant } from './instant.ts'
import { listPended, type Pended, pendedAnswer, place, readPended, waitingOne } from './pended.ts'
import { AHEAD_MAX_MS, ENDED, endedJson, keptRuleOf } from './pending-parts.ts'
import { resolveRule } from './resolve.ts'
import { RULE_MEMBERS, type RuleBody } from './target-schema.ts'

type ScheduleBody = RuleBody & { readonly at: string }

const SCHEDULE_BODY: z.ZodType<ScheduleBody> = z
  .strictObject({
    ...RULE_MEMBERS,
    at: z
      .string()
      .max(64)
      .describe('RFC 3339, in the future: when it is written; it ends what was issued until then'),
  })
  .meta({ id: 'ScheduleRequest' })

type ScheduleJson = {
  readonly id: string
  readonly realm: string
  readonly state: 'waiting' | ScheduleEnd
  readonly covers: CoversJson
  readonly reason: string
  readonly note?: string | undefined
  readonly by: string
  readonly askedAt: string
  readonly at: string
  readonly revocation?: string | undefined
}

const SCHEDULE: z.ZodType<ScheduleJson> = z
  .strictObject({
    ...{
      id: z.string(),
      realm: z.string(),
      state: z.enum(['waiting', 'done', 'cancelled', 'asked']),
      covers: COVERS,
    },
    ...{ reason: z.string(), note: z.string().optional(), by: z.string() },
    ...{ askedAt: z.string(), at: z.string() },
    ...ENDED,
    revocation: z.string().optional().describe('What it became'),
  })
  .meta({ id: 'ScheduledRevocation' })

type Readable = ScheduleValue & Partial<Ended<ScheduleEnd>>

function scheduleJson({ name: realm }: Realm, id: string, value: Readable): ScheduleJson {
  return {
    ...{ id, realm, state: value.state ?? 'waiting', covers: coversJson(value.targets, value.skewSeconds) },
    ...{ reason: value.reason, note: value.note, by: value.by },
    askedAt: formatInstant(value.askedAtMs),
    at: formatInstant(value.dueAtMs),
    ...endedJson(value),
  }
}

const SCHEDULED: Pended<ScheduleValue, ScheduleEnd> = {
  kind: SCHEDULES,
  path: '/revocations/scheduled',
  what: 'It',
  many: 'scheduled revocations',
  schema: SCHEDULE,
  json: scheduleJson,
  revokedAt: 'done',
  none: problem(404, 'no such scheduled revocation'),
  over: (state) => problem(409, `it was ${state} before`),
}

const SCHEDULE_REVOCATION: Endpoint = endpoint({
  method: 'POST',
  path: SCHEDULED.path,
  operation: 'scheduleRevocation',
  summary: 'Have the server revoke at a given time',
  role: 'responder',
  rateClass: 'revoke',
  body: SCHEDULE_BODY,
  answers: { 201: { what: 'It will be done', schema: SCHEDULE } },
  handle: schedule,
})

async function schedule(ask: Ask<unknown, ScheduleBody>): Promise<Answer | Stale> {
  const { realm, body } = ask
  const due = futureInstant({ member: 'at', text: body.at, nowMs: realm.nowMs() }, AHEAD_MAX_MS)
  if (isAnswer(due)) return due
  const resolved = await resolveRule(ask, body)
  if (isAnswer(resolved)) return resolved
  const refused = await refusedEnding(ask, resolved.targets)
  if (refused !== undefined) return refused
  return place(SCHEDULED, ask, {
    value: { ...keptRuleOf(ask, resolved), askedAtMs: realm.nowMs(), dueAtMs: due.ms },
    status: 201,
    auditAs: (id) => ({ ...auditOf(ask, body.reason), cause: { code: 'schedule', schedule: id } }),
  })
}

const CANCEL: Endpoint = endpoint({
  method: 'DELETE',
  path: `${SCHEDULED.path}/{id}`,
  operation: 'cancelScheduledRevocation',
  summary: 'Have it not done',
  role: 'responder',
  answers: { 200: { what: 'Cancelled', schema: SCHEDULE } },
  handle: cancel,
})

async function cancel(ask: Ask): Promise<Answer | Stale> {
  const { realm, by, how, parts } = ask
  const entry = await waitingOne(SCHEDULED, ask, 'cancelled')
  if (isAnswer(entry)) return entry
  const done = await cancelSchedule(realm, { entry, caller: by.caller, how, keptMs: parts.auditRetentionMs })
  return done ? pendedAnswer(SCHEDULED, ask) : 'stale'
}

export const SCHEDULE_ENDPOINTS: readonly Endpoint[] = [
  SCHEDULE_REVOCATION,
  listPended(SCHEDULED, {
    operation: 'listScheduledRevocations',
    summary: 'Revocations that wait for their time, or those that have been done or cancelled',
  }),
  readPended(SCHEDULED, {
    operation: 'readScheduledRevocation',
    summary: 'One scheduled revocation, and what became of it',
  }),
  CANCEL,
]
