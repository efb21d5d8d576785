import {
  type Audit,
  type Caller,
  type Entry,
  EXPIRING_KINDS,
  type Outcome,
  type Realm,
  shaped,
  whoOf,
} from '@rescind/authority'
import { defined } from '@rescind/core/bytes'
import type { Target } from '@rescind/core/log'
import { APPROVAL_WAIT_MS, APPROVALS, type ApprovalValue } from './approvals.ts'
import {
  auditMembers,
  commitRules,
  isKeptRule,
  type KeptRule,
  type RulingRows,
  rulesNow,
} from './kept-rule.ts'
import { PendingKind, type Settling } from './pending.ts'

export type ScheduleValue = KeptRule & { readonly askedAtMs: number; readonly dueAtMs: number }
/** `asked`: it had outgrown what one person may revoke, so it became a request for approval. */
export type ScheduleEnd = 'done' | 'cancelled' | 'asked'

/** The size of a rule that needs a second person; undefined when it needs none. */
export type MeasureRule = (
  realm: Realm,
  targets: readonly Target[],
) => Promise<{ readonly tokens: number; readonly complete: boolean } | undefined>

export type SettleSchedule = Settling & { readonly measure: MeasureRule }

/** Revocations that wait for their time; they end what was issued before it. */
export const SCHEDULES: PendingKind<ScheduleValue, ScheduleEnd> = new PendingKind(
  EXPIRING_KINDS.endedSchedule,
  'sch_',
  {
    isValue: (value) => isKeptRule(value) && SHAPE(value),
    states: ['done', 'cancelled', 'asked'],
  },
)
const SHAPE = shaped({ askedAtMs: 'number', dueAtMs: 'number' })

/**
 * Writes a scheduled revocation that is due; one that has ended already is left alone. Its size is counted again, because
 * its target may have grown since the request.
 */
export async function settleSchedule(
  realm: Realm,
  id: string,
  { keptMs, nowMs, measure }: SettleSchedule,
): Promise<void> {
  const found = await SCHEDULES.find(realm, id)
  if (found.kind !== 'open' || found.entry.value.dueAtMs > nowMs) return
  const { entry } = found
  const { reason, by, byName, byOwner, targets } = entry.value
  const size = await measure(realm, targets)
  const audit: Audit = {
    by,
    ...defined({ byName, byOwner }),
    from: 'local',
    how: 'schedule.due',
    why: reason,
    ...auditMembers(entry.value),
    cause: { code: 'schedule', schedule: id },
  }
  const state = size === undefined ? 'done' : 'asked'
  const ended = { state, endedAtMs: realm.nowMs(), endedBy: 'server' } as const
  const before = SCHEDULES.end(realm, { entry, ended, audit, keptMs })
  const commit = (rows: RulingRows): Promise<Outcome> =>
    realm.commit({
      ...rows,
      realm: realm.ordinal,
      dependsOn: [],
      operations: [...before, ...rows.operations],
    })
  if (size === undefined) {
    const { keepCredentials } = entry.value
    await commitRules(realm, { rules: rulesNow(realm, entry.value), audit, keepCredentials }, commit)
    return
  }
  const request = await asking(realm, requestFor(realm, entry, size), audit)
  if (request !== undefined) await commit(request)
}

/** @returns undefined when too many requests wait; answering one makes room. */
async function asking(realm: Realm, value: ApprovalValue, audit: Audit): Promise<RulingRows | undefined> {
  const id = APPROVALS.mintId(realm)
  const slot = await APPROVALS.freeSlot(realm, id)
  if (slot === undefined) return undefined
  return { operations: APPROVALS.put(realm, { id, value, slot, audit }), expects: [] }
}

const CONTROL_CALLER = 'control:'

function requestFor(
  realm: Realm,
  { value }: Entry<ScheduleValue>,
  size: { readonly tokens: number; readonly complete: boolean },
): ApprovalValue {
  const { askedAtMs: _asked, dueAtMs: _due, ...rule } = value
  const nowMs = realm.nowMs()
  return {
    act: { kind: 'revocation', rule, ...size },
    askedBy: value.by.startsWith(CONTROL_CALLER) ? value.by.slice(CONTROL_CALLER.length) : value.by,
    ...defined({ askedByOwner: value.byOwner }),
    askedAtMs: nowMs,
    dueAtMs: nowMs + APPROVAL_WAIT_MS,
    reason: value.reason,
  }
}

export type Cancel = {
  readonly entry: Entry<ScheduleValue>
  readonly caller: Caller
  readonly how: string
  readonly keptMs: number
}

/** @returns whether this call cancelled it. */
export async function cancelSchedule(realm: Realm, { entry, caller, how, keptMs }: Cancel): Promise<boolean> {
  const audit: Audit = { ...whoOf(caller), how }
  const ended = { state: 'cancelled', endedAtMs: realm.nowMs(), endedBy: caller.id } as const
  const operations = SCHEDULES.end(realm, { entry, ended, audit, keptMs })
  const outcome = await realm.commit({
    realm: realm.ordinal,
    dependsOn: [caller.dependency],
    expects: [],
    operations,
  })
  return outcome.kind === 'applied'
}
