import { ContractBroken } from '@rescind/core'
import { sha256 } from '@rescind/core/bytes'
import type { ChainedLogRow, LogRow } from '@rescind/core/log'
import { isInstant } from '../token-facts.ts'
import { exact } from './exact.ts'
import { seqOfLogId } from './log-id.ts'
import { NumberList } from './number-list.ts'

/**
 * A page of the log for the main thread, assembled by SQLite: a million rows must not become a million arrays or buffers in
 * the reader thread (bench/README.md, "log pages"). `heads`: four numbers per row, comma-separated, the first relative to
 * `after`; `rules`: the bytes of all rules, concatenated.
 */
export const LOG_PAGE_SQL = `
  SELECT group_concat(concat_ws(',', id - CAST(?1 AS INTEGER), at, kind, length(rule))), CAST(group_concat(rule, '') AS BLOB)
  FROM (SELECT id, at, kind, rule FROM log WHERE id > ?1 AND id < ?2 ORDER BY id LIMIT ?3)`

export type LogPage = { readonly heads: string; readonly rules: Uint8Array }

/** @param columns of the single row of LOG_PAGE_SQL; NULLs mean that there are no rows. */
export function logPage([heads, rules]: readonly [string | null, Uint8Array | null]): LogPage {
  return { heads: heads ?? '', rules: rules ?? NO_BYTES }
}

const NO_BYTES = new Uint8Array(0)

/** @param after the id that the page starts after. @throws ContractBroken when numbers and bytes do not fit together. */
export function decodeRows({ heads, rules }: LogPage, after: number): LogRow[] {
  const rows: LogRow[] = []
  const numbers = new NumberList(heads)
  let start = 0
  while (numbers.hasNext()) {
    const seq = seqOfLogId(after + numbers.next())
    const atMs = numbers.next()
    const kind = numbers.next()
    const end = start + numbers.next()
    rows.push(timed({ seq, atMs, kind, rule: rules.subarray(start, end) }))
    start = end
  }
  if (start !== rules.length) throw new ContractBroken('a page of the log whose rules have the wrong length')
  return rows
}

/** @throws ContractBroken for a row with an invalid time: its age could not be known. */
export function timed(row: LogRow): LogRow {
  if (!isInstant(row.atMs)) throw new ContractBroken(`row ${row.seq} has an invalid time`)
  return row
}

/** Out-of-range numbers are clamped here; callers check them through the chain. */
export const CHAINED_COLUMNS: string = `id, ${exact('at')}, ${exact('kind')}, rule, audit, audit_hash, chain`

export type ChainedRowColumns = readonly [
  id: number,
  atMs: number,
  kind: number,
  rule: Uint8Array,
  audit: Uint8Array | null,
  auditHash: Uint8Array | null,
  chain: Uint8Array,
]

/** A row stores its audit, or the hash of an expired one. */
export function chainedRowOf([id, atMs, kind, rule, audit, kept, chain]: ChainedRowColumns): ChainedLogRow {
  const auditHash = kept ?? sha256(audit ?? new Uint8Array(0))
  const row = { seq: seqOfLogId(id), atMs, kind, rule, auditHash, chain }
  return audit === null ? row : { ...row, audit: Buffer.from(audit).toString('utf8') }
}
