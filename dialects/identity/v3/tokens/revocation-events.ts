import { keptRows, type Realm } from '@rescind/authority'
import { defined } from '@rescind/core/bytes'
import { decodeRule, type LogRow, type RowKind, rowKindOf, type Target, traitsOf } from '@rescind/core/log'
import { IDENTITY } from '../../directory/directory.ts'
import { scopeOfTenant } from '../scopes/scope.ts'
import { microInstant } from './instant.ts'

/** Rows per read. */
const ROWS = 500

/** An event of OS-REVOKE. It ends the tokens that match all of its members. */
export type RevocationEvent = Readonly<Record<string, string>>

/**
 * The revocations after a sequence number, oldest first. As in Keystone, ends of an application credential, grant or
 * hold are not listed, because events have no member for them.
 */
export async function* eventsAfter(
  realm: Realm,
  after: number,
): AsyncGenerator<{ readonly seq: number; readonly event: RevocationEvent }, void> {
  let from = after
  let inLog = false
  for (;;) {
    // Of trimmed rows, the store keeps those whose tokens may still be live.
    const rows: readonly LogRow[] = inLog
      ? await realm.store.rowsAfter(realm.ordinal, from, ROWS)
      : await realm.store.keptRows(realm.ordinal, from, ROWS)
    for (const row of rows) {
      from = row.seq
      const event = eventOf(row)
      if (event !== undefined) yield { seq: row.seq, event }
    }
    if (rows.length < ROWS && inLog) return
    if (rows.length < ROWS) inLog = true
  }
}

/** The sequence number before the first row at or after a time. The times of the log never decrease. */
export async function seqBefore(realm: Realm, sinceMs: number): Promise<number> {
  const { seq } = await realm.store.head(realm.ordinal)
  const anchor = await realm.store.anchor(realm.ordinal)
  let [low, high] = [anchor.seq, seq]
  while (low < high) {
    const middle = Math.floor((low + high) / 2)
    const [row] = await realm.store.rowsAfter(realm.ordinal, middle, 1)
    if (row !== undefined && row.atMs < sinceMs) low = row.seq
    else high = middle
  }
  if (low > anchor.seq) return low
  // All rows of the log are at that time or later, so look through the kept rows before them.
  for await (const row of keptRows(realm.store, realm.ordinal)) if (row.atMs >= sinceMs) return row.seq - 1
  return anchor.seq
}

/** Final ends are events. Suspensions are not, because no member can express them. */
const LISTED: Readonly<Record<RowKind, boolean>> = {
  revoke: true,
  hold: false,
  release: false,
  change: false,
  epoch: false,
}

function eventOf(row: LogRow): RevocationEvent | undefined {
  if (!LISTED[rowKindOf(row)]) return undefined
  const rule = decodeRule(row)
  const target = traitsOf(rule).hits(rule)
  const said = target === undefined ? undefined : membersOf(target)
  if (target === undefined || said === undefined) return undefined
  const at = microInstant(row.atMs)
  const beforeMs = target.kind === 'cut' ? target.issuedBeforeMs : undefined
  return { ...said, issued_before: beforeMs === undefined ? at : microInstant(beforeMs), revoked_at: at }
}

function membersOf(target: Target): RevocationEvent | undefined {
  switch (target.kind) {
    case 'token':
      return target.source === IDENTITY ? { audit_id: target.handle } : undefined
    case 'cut': {
      const { source, subject, client, tenant } = target.principals
      if (target.shape === 'realm') return {}
      if (source !== IDENTITY || client !== undefined) return undefined
      return { ...defined({ user_id: subject }), ...scopeMembers(tenant) }
    }
    case 'foreign':
    case 'grant':
    case 'session':
    case 'key':
      return undefined
  }
}

function scopeMembers(tenant: string | undefined): RevocationEvent {
  const scope = scopeOfTenant(tenant)
  switch (scope.kind) {
    case 'unscoped':
      return {}
    case 'project':
      return { project_id: scope.id }
    case 'domain':
      return { domain_id: scope.id }
    case 'system':
      // No member names the system, so the event covers the user's tokens of all scopes.
      return {}
  }
}
