import { keptRows, type Realm } from '@rescind/authority'
import { defined } from '@rescind/core/bytes'
import { decodeRule, type LogRow, type RowKind, rowKindOf, type Target, traitsOf } from '@rescind/core/log'
import { IDENTITY } from '../../directory/directory.ts'
import { scopeOfTenant } from '../scopes/scope.ts'
import { microInstant } from './instant.ts'

/** Rows read at once. */
const ROWS = 500

/** An event as clients of OS-REVOKE read it: all that its members say must be true of a token that it ends. */
export type RevocationEvent = Readonly<Record<string, string>>

/**
 * The revocations after a place in the log, oldest first. What a member of an event can say is said; what ends with an
 * application credential, a grant or a hold has no such member and is not listed, as in Keystone.
 */
export async function* eventsAfter(
  realm: Realm,
  after: number,
): AsyncGenerator<{ readonly seq: number; readonly event: RevocationEvent }, void> {
  let from = after
  let inLog = false
  for (;;) {
    // Of rows that were trimmed off, those are kept whose tokens can be alive.
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

/** The seq before the first row that was written at or after a time; the log's times only rise. */
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
  // All rows of the log are of that time or later; of those before it, what is kept.
  for await (const row of keptRows(realm.store, realm.ordinal)) if (row.atMs >= sinceMs) return row.seq - 1
  return anchor.seq
}

/** What is over for good is an event; what is suspended has no member that says so. */
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
      // No member names the system: the user's tokens of all scopes are the least that can be said.
      return {}
  }
}
