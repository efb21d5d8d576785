import { ByteReader, ByteWriter, type ChainedLogRow, type LogRow, sha256 } from '@rescind/core'
import { seqOfLogId } from './log-id.ts'

/** A page of the log on its way from the reader thread, as one block: a million rows must not become a million buffers. */
export function encodeRows(rows: Iterable<LogRowColumns>): Uint8Array<ArrayBuffer> {
  const out = new ByteWriter()
  for (const [id, atMs, kind, rule] of rows) out.f64(id).f64(atMs).u8(kind).block(rule)
  return new Uint8Array(out.bytes())
}

export type LogRowColumns = readonly [id: number, atMs: number, kind: number, rule: Uint8Array]

export function decodeRows(bytes: Uint8Array): LogRow[] {
  const from = new ByteReader(bytes)
  const rows: LogRow[] = []
  while (!from.atEnd) {
    rows.push({ seq: seqOfLogId(from.f64()), atMs: from.f64(), kind: from.u8(), rule: from.block() })
  }
  return rows
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
