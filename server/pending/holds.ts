import {
  type Audit,
  type Caller,
  type Cause,
  type Entry,
  EXPIRING_KINDS,
  type Operation,
  type Outcome,
  putRecord,
  type Realm,
  rowsOf,
  shaped,
  whoOf,
} from '@rescind/authority'
import type { CutoffAsOf, HoldRule, ReleaseRule } from '@rescind/core/log'
import {
  auditMembers,
  commitRules,
  isKeptRule,
  type KeptRule,
  type RulingRows,
  rulesNow,
  SERVER,
} from './kept-rule.ts'
import { PendingKind, type Settling } from './pending.ts'

export type HoldValue = KeptRule & {
  readonly placedAtMs: number
  readonly dueAtMs: number
  /** What happens at the deadline. */
  readonly atDeadline: 'release' | 'revoke'
}
export type HoldEnd = 'released' | 'revoked'

const SHAPE = shaped({ placedAtMs: 'number', dueAtMs: 'number', atDeadline: ['release', 'revoke'] })

export const HOLDS: PendingKind<HoldValue, HoldEnd> = new PendingKind(EXPIRING_KINDS.endedHold, 'hold_', {
  isValue: (value) => isKeptRule(value) && SHAPE(value),
  states: ['released', 'revoked'],
})

/** The index keeps one hold per source; the first has the hold's own id. */
export function holdIds(id: string, sources: number): readonly string[] {
  return Array.from({ length: sources }, (_, at) => (at === 0 ? id : `${id}.${at + 1}`))
}

function ruleIds(id: string, { targets }: KeptRule): readonly string[] {
  return holdIds(id, targets.length)
}

export function holdRules(id: string, value: HoldValue): readonly HoldRule[] {
  const ids = ruleIds(id, value)
  return value.targets.map((target, at) => ({ kind: 'hold', id: ids[at] ?? id, target }))
}

/** The cutoff of a hold, which it keeps when it becomes a revocation. */
function placeOf({ index }: Realm, { id, value }: Entry<HoldValue>): CutoffAsOf | undefined {
  const at = index.holds.positionOf(id)
  return at === undefined ? undefined : { at, atMs: value.placedAtMs }
}

export type EndHold = {
  readonly entry: Entry<HoldValue>
  readonly to: HoldEnd
  /** Undefined: the server itself, at the deadline. */
  readonly caller: Caller | undefined
  readonly how: string
  readonly reason?: string | undefined
  readonly keptMs: number
}

/** Ends a hold and, if asked, revokes what it held, in one write. @returns whether this call ended it. */
export async function endHold(realm: Realm, end: EndHold): Promise<boolean> {
  const { entry, to, caller, how, keptMs } = end
  const { id, value } = entry
  const reason = end.reason ?? value.reason
  const cause: Cause = { code: 'hold', hold: id }
  const audit: Audit = { ...whoOf(caller ?? SERVER), how, why: reason, cause }
  const ended = { state: to, endedAtMs: realm.nowMs(), endedBy: audit.by, endReason: reason }
  const releases = ruleIds(id, value).map((one): ReleaseRule => ({ kind: 'release', id: one }))
  const before: readonly Operation[] = [
    ...HOLDS.end(realm, { entry, ended, audit, keptMs }),
    ...rowsOf(realm, releases, audit),
  ]
  const dependsOn = caller === undefined ? [] : [caller.dependency]
  // The rules come last, so that the write's position is that of the revocation.
  const commit = (rows: RulingRows): Promise<Outcome> =>
    realm.commit({ ...rows, realm: realm.ordinal, dependsOn, operations: [...before, ...rows.operations] })
  if (to !== 'revoked') return (await commit({ operations: [], expects: [] })).kind === 'applied'
  const ruling = {
    rules: rulesNow(realm, value, placeOf(realm, entry)),
    audit: { ...audit, ...auditMembers(value) },
    keepCredentials: value.keepCredentials,
  }
  return (await commitRules(realm, ruling, commit)) !== undefined
}

export type ExtendHold = {
  readonly entry: Entry<HoldValue>
  readonly dueAtMs: number
  readonly caller: Caller
  readonly audit: Audit
}

/** Postpones a hold's deadline and changes nothing else. @returns whether this call did it. */
export async function extendHold(
  realm: Realm,
  { entry, dueAtMs, caller, audit }: ExtendHold,
): Promise<boolean> {
  const { id, version } = entry
  const value: HoldValue = { ...entry.value, dueAtMs }
  const operations = putRecord(
    realm,
    { collection: HOLDS.collection, id, value, fromVersion: version },
    audit,
  )
  const dependsOn = [caller.dependency]
  const outcome = await realm.commit({ realm: realm.ordinal, dependsOn, expects: [], operations })
  return outcome.kind === 'applied'
}

/** At its deadline a hold becomes what was requested; one that has ended already is left alone. */
export async function settleHold(realm: Realm, id: string, { keptMs, nowMs }: Settling): Promise<void> {
  const found = await HOLDS.find(realm, id)
  if (found.kind !== 'open' || found.entry.value.dueAtMs > nowMs) return
  const { entry } = found
  const to = entry.value.atDeadline === 'revoke' ? 'revoked' : 'released'
  await endHold(realm, { entry, to, caller: undefined, how: 'hold.deadline', keptMs })
}
