import type { Audit } from '@rescind/authority'
import { type Answer, formatInstant, jsonAnswer, type Stale } from '@rescind/dialects'
import { z } from 'zod'
import { isAnswer, type Problem, problem } from '../../../http/problem.ts'
import type { Ended } from '../../../pending/pending.ts'
import {
  cancelSchedule,
  SCHEDULES,
  type ScheduleEnd,
  type ScheduleValue,
} from '../../../pending/schedules.ts'
import { COVERS, type CoversJson, coversJson } from '../../../receipts/covers-json.ts'
import { auditOf, commitChange } from '../../frame/change.ts'
import { type Ask, type Endpoint, endpoint } from '../../frame/endpoint.ts'
import { refusedEnding } from './ending.ts'
import { futureInstant } from './instant.ts'
import {
  AHEAD_MAX_MS,
  ENDED,
  endedJson,
  keptRuleOf,
  listPending,
  PAGE_QUERY,
  readPending,
  tooMany,
} from './pending-parts.ts'
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

type Shown = ScheduleValue & Partial<Ended<ScheduleEnd>>

function scheduleJson(realm: string, id: string, value: Shown): ScheduleJson {
  return {
    ...{ id, realm, state: value.state ?? 'waiting', covers: coversJson(value.targets, value.skewSeconds) },
    ...{ reason: value.reason, note: value.note, by: value.by },
    askedAt: formatInstant(value.askedAtMs),
    at: formatInstant(value.dueAtMs),
    ...endedJson(value),
  }
}

const PATH = '/revocations/scheduled'

const SCHEDULE_REVOCATION: Endpoint = endpoint({
  method: 'POST',
  path: PATH,
  operation: 'scheduleRevocation',
  summary: 'Have the server revoke at a given time',
  role: 'responder',
  lane: 'revoke',
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
  const id = SCHEDULES.mintId(realm)
  const slot = await SCHEDULES.freeSlot(realm, id)
  if (slot === undefined) return tooMany('scheduled revocations')
  const audit: Audit = { ...auditOf(ask, body.reason), cause: { code: 'schedule', schedule: id } }
  const value = { ...keptRuleOf(ask, resolved), askedAtMs: realm.nowMs(), dueAtMs: due.ms }
  const outcome = await commitChange(ask, SCHEDULES.put(realm, { id, value, slot, audit }))
  if (outcome.kind !== 'applied') return 'stale'
  const location = `/control/v1${PATH}/${id}`
  return jsonAnswer(201, scheduleJson(realm.name, id, value), { location })
}

const LIST: Endpoint = endpoint({
  method: 'GET',
  path: PATH,
  operation: 'listScheduledRevocations',
  summary: 'Revocations that wait for their time, or those that have been done or cancelled',
  role: 'viewer',
  query: PAGE_QUERY,
  answers: {
    200: {
      what: 'A page of them',
      schema: z.strictObject({ schedules: z.array(SCHEDULE), next: z.string().optional() }),
    },
  },
  handle: (ask) => listPending(ask, SCHEDULES, (id, value) => scheduleJson(ask.realm.name, id, value)),
})

const READ: Endpoint = endpoint({
  method: 'GET',
  path: `${PATH}/{id}`,
  operation: 'readScheduledRevocation',
  summary: 'One scheduled revocation, and what became of it',
  role: 'viewer',
  answers: { 200: { what: 'It', schema: SCHEDULE } },
  handle: (ask) => read(ask),
})

function read(ask: Pick<Ask, 'realm' | 'params'>): Promise<Answer> {
  return readPending(ask, {
    kind: SCHEDULES,
    show: (id, value) => scheduleJson(ask.realm.name, id, value),
    revokedAt: 'done',
    none: NONE,
  })
}

const NONE: Problem = problem(404, 'no such scheduled revocation')

const CANCEL: Endpoint = endpoint({
  method: 'DELETE',
  path: `${PATH}/{id}`,
  operation: 'cancelScheduledRevocation',
  summary: 'Have it not done',
  role: 'responder',
  answers: { 200: { what: 'Cancelled', schema: SCHEDULE } },
  handle: cancel,
})

async function cancel(ask: Ask): Promise<Answer | Stale> {
  const { realm, params, by, how, parts } = ask
  const found = await SCHEDULES.find(realm, params['id'] ?? '')
  if (found.kind === 'none') return NONE
  if (found.kind === 'ended')
    return found.value.state === 'cancelled' ? read(ask) : problem(409, `it was ${found.value.state} before`)
  const { entry } = found
  const done = await cancelSchedule(realm, { entry, caller: by.caller, how, keptMs: parts.auditRetentionMs })
  return done ? read(ask) : 'stale'
}

export const SCHEDULE_ENDPOINTS: readonly Endpoint[] = [SCHEDULE_REVOCATION, LIST, READ, CANCEL]
