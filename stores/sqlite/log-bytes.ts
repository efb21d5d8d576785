import { type ChainedLogRow, type LogRow, sha256 } from '@rescind/core'
import { seqOfLogId } from './log-id.ts'

/**
 * A page of the log on its way from the reader thread, as hexadecimal text that SQLite itself puts together: a million
 * rows must become neither a million arrays nor a million buffers there (bench/README.md, "log pages").
 */
export const LOG_PAGE_SQL = `
  SELECT group_concat(printf('%016x%016x%02x%08x', id, at, kind, length(rule)) || hex(rule), '')
  FROM (SELECT id, at, kind, rule FROM log WHERE id > ? AND id < ? ORDER BY id LIMIT ?)`

export function pageBytes(page: string | null): Uint8Array<ArrayBuffer> {
  // A block of its own: small buffers share a pool, all of which would go to the other thread.
  const bytes = new Uint8Array((page ?? '').length / 2)
  Buffer.from(bytes.buffer).write(page ?? '', 'hex')
  return bytes
}

const ID_AT = 0
const TIME_AT = 8
const KIND_AT = 16
const LENGTH_AT = 17
const RULE_AT = 21

export function decodeRows(bytes: Uint8Array): LogRow[] {
  const from = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const rows: LogRow[] = []
  for (let at = 0; at < from.length; ) {
    const end = at + RULE_AT + from.readUInt32BE(at + LENGTH_AT)
    rows.push({
      seq: seqOfLogId(integerAt(from, at + ID_AT)),
      atMs: integerAt(from, at + TIME_AT),
      kind: from.readUInt8(at + KIND_AT),
      rule: from.subarray(at + RULE_AT, end),
    })
    at = end
  }
  return rows
}

/** Eight bytes, exact up to 2^53. */
function integerAt(from: Buffer, at: number): number {
  return from.readInt32BE(at) * 2 ** 32 + from.readUInt32BE(at + 4)
}

export type ChainedRowColumns = readonly [
  id: number,
  atMs: number,
  kind: number,
  rule: Uint8Array,
  audit: Uint8Array | null,
  auditHash: Uint8Array | null,
  chain: Uint8Array,
]

/** A row keeps its audit, or the hash of an audit that has expired. */
export function chainedRowOf([id, atMs, kind, rule, audit, kept, chain]: ChainedRowColumns): ChainedLogRow {
  const auditHash = kept ?? sha256(audit ?? new Uint8Array(0))
  const row = { seq: seqOfLogId(id), atMs, kind, rule, auditHash, chain }
  return audit === null ? row : { ...row, audit: Buffer.from(audit).toString('utf8') }
}
