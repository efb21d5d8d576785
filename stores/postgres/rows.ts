import type { DirectoryRecord, ExpiringEntry, ExpiringKind } from '@rescind/authority'
import { ContractBroken } from '@rescind/core'
import { sha256 } from '@rescind/core/bytes'
import type { ChainedLogRow, LogRow } from '@rescind/core/log'
import { isInstant } from '../token-facts.ts'

export const TOKEN_COLUMNS = 't.digest, t.handle, t.expires_at, t.extended_at, t.facts, t.sealed'

export type RecordRow = readonly [id: string, version: number, body: string | null]

export function directoryRecord(collection: string, [id, version, body]: RecordRow): DirectoryRecord {
  return { collection, id, version, body: body ?? undefined }
}

export type ExpiringRow = readonly [id: string, value: Uint8Array, expiresAt: number]

export function entryOfRow(kind: ExpiringKind, [id, value, expiresAtMs]: ExpiringRow): ExpiringEntry {
  return { kind, id, value, expiresAtMs }
}

export type LogRowColumns = readonly [seq: number, atMs: number, kind: number, rule: Uint8Array]

/** @throws ContractBroken for a row with an invalid time: its age could not be known. */
export function logRow([seq, atMs, kind, rule]: LogRowColumns): LogRow {
  if (!isInstant(atMs)) throw new ContractBroken(`row ${seq} has an invalid time`)
  return { seq, atMs, kind, rule }
}

export const CHAINED_COLUMNS = 'l.seq, l.at, l.kind, l.rule, l.audit, l.audit_hash, l.chain'

export type ChainedColumns = readonly [
  ...LogRowColumns,
  audit: Uint8Array | null,
  auditHash: Uint8Array | null,
  chain: Uint8Array,
]

/** A row stores its audit, or the hash of an expired one. */
export function chainedRow([seq, atMs, kind, rule, audit, kept, chain]: ChainedColumns): ChainedLogRow {
  const auditHash = kept ?? sha256(audit ?? new Uint8Array(0))
  const row = { seq, atMs, kind, rule, auditHash, chain }
  return audit === null ? row : { ...row, audit: Buffer.from(audit).toString('utf8') }
}
