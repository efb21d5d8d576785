import { DatabaseSync } from 'node:sqlite'
import { sha256 } from '@rescind/core/bytes'
import { CHAIN_START, chainAfter, ROW_KINDS } from '@rescind/core/log'

export type LogCheck = { readonly revokeRows: number; readonly violations: readonly string[] }

type Row = { id: number; at: number; kind: number; rule: Uint8Array; audit: string; chain: Uint8Array }

/** Realms share the table: a row's id is realm × 2^40 + seq. */
const REALM_SPAN = 2 ** 40

/** Checks the store of a stopped server: its pages are sound, and each log is one chain without gaps. */
export function checkLog(path: string): LogCheck {
  const db = new DatabaseSync(path, { readOnly: true })
  const violations: string[] = []
  const sound = db.prepare('PRAGMA integrity_check').get()
  if (sound?.['integrity_check'] !== 'ok') violations.push(`the database is broken: ${JSON.stringify(sound)}`)
  // The statement selects these columns.
  const rows = db.prepare('SELECT id, at, kind, rule, audit, chain FROM log ORDER BY id').all() as Row[]
  db.close()
  let before = { realm: -1, seq: 0, chain: CHAIN_START }
  for (const row of rows) {
    const realm = Math.floor(row.id / REALM_SPAN)
    const seq = row.id % REALM_SPAN
    if (realm !== before.realm) before = { realm, seq: 0, chain: CHAIN_START }
    if (seq !== before.seq + 1) violations.push(`log row ${seq} of realm ${realm} follows ${before.seq}`)
    const auditHash = sha256(Buffer.from(row.audit, 'utf8'))
    const chain = chainAfter(before.chain, { seq, atMs: row.at, kind: row.kind, rule: row.rule, auditHash })
    if (!chain.equals(row.chain)) violations.push(`log row ${seq} of realm ${realm} breaks the chain`)
    before = { realm, seq, chain }
  }
  return { revokeRows: rows.filter(({ kind }) => kind === ROW_KINDS.revoke.code).length, violations }
}
