import { type Audit, type Caller, type Entry, type Realm, rowsOf } from '@rescind/core'
import { auditMembers, type KeptRule, rulesNow } from './kept-rule.ts'
import { PendingKind } from './pending.ts'

export type ScheduleValue = KeptRule & { readonly askedAtMs: number; readonly dueAtMs: number }
export type ScheduleEnd = 'done' | 'cancelled'

/** Revocations that wait for their time: they end what was issued until then. */
export const SCHEDULES: PendingKind<ScheduleValue, ScheduleEnd> = new PendingKind('schedules', 'sch_')

/** Writes a scheduled revocation whose time has come; one that has ended already is left alone. */
export async function settleSchedule(realm: Realm, id: string, keptMs: number): Promise<void> {
  const found = await SCHEDULES.find(realm, id)
  if (found.kind !== 'open' || found.entry.value.dueAtMs > realm.nowMs()) return
  const { entry } = found
  const { reason, by } = entry.value
  const audit: Audit = {
    by,
    from: 'local',
    how: 'schedule.due',
    why: reason,
    ...auditMembers(entry.value),
    cause: { code: 'schedule', schedule: id },
  }
  const ended = { state: 'done', endedAtMs: realm.nowMs(), endedBy: 'server' } as const
  const operations = [
    ...SCHEDULES.end(realm, { entry, ended, audit, keptMs }),
    ...rowsOf(realm, rulesNow(realm, entry.value), audit),
  ]
  await realm.commit({ realm: realm.ordinal, standsOn: [], expects: [], operations })
}

export type Cancel = {
  readonly entry: Entry<ScheduleValue>
  readonly caller: Caller
  readonly how: string
  readonly keptMs: number
}

/** @returns whether this call did it. */
export async function cancelSchedule(realm: Realm, { entry, caller, how, keptMs }: Cancel): Promise<boolean> {
  const audit: Audit = { by: caller.id, from: caller.from, how }
  const ended = { state: 'cancelled', endedAtMs: realm.nowMs(), endedBy: caller.id } as const
  const operations = SCHEDULES.end(realm, { entry, ended, audit, keptMs })
  const outcome = await realm.commit({
    realm: realm.ordinal,
    standsOn: [caller.standing],
    expects: [],
    operations,
  })
  return outcome.kind === 'applied'
}
