import type { DatabaseSync, StatementSync } from 'node:sqlite'
import type { DirectoryRecord, ExpiringEntry, ExpiringKind, LogHead } from '@rescind/authority'
import { type RealmOrdinal, realmOrdinal } from '@rescind/core'
import { CHAIN_START } from '@rescind/core/log'
import { EXPIRING_COLUMNS, exact, ROW_MAX, recordColumns } from './exact.ts'
import { logId, seqOfLogId } from './log-id.ts'
import { TOKEN_COLUMNS } from './token-row.ts'

/** The main thread's keyed reads: each is a look-up of microseconds in a page cache. */
export type Reads = Readonly<Record<ReadName, StatementSync>>

type ReadName = 'token' | 'consumption' | 'tombstone' | 'record' | 'recordByKey' | 'memo' | 'head' | 'anchor'

const SQL: Readonly<Record<ReadName, string>> = {
  token: `SELECT ${TOKEN_COLUMNS}, ${exact('realm')} FROM token WHERE id = ?`,
  consumption: 'SELECT sealed FROM consumption WHERE realm = ? AND handle = ?',
  tombstone: 'SELECT 1 FROM tombstone WHERE realm = ? AND digest = ?',
  record: `SELECT id, ${recordColumns()} FROM record WHERE realm = ? AND collection = ? AND id = ?`,
  recordByKey: `SELECT r.id, ${recordColumns('r.')} FROM record_key k
    JOIN record r ON r.realm = k.realm AND r.collection = k.collection AND r.id = k.id
    WHERE k.realm = ? AND k.collection = ? AND k.name = ? AND k.value = ?`,
  memo: `SELECT id, ${EXPIRING_COLUMNS} FROM memo WHERE realm = ? AND kind = ? AND id = ?`,
  head: 'SELECT id, chain FROM log WHERE id > ? AND id < ? ORDER BY id DESC LIMIT 1',
  // An invalid seq is read as the start of the log, which the log's first row then does not follow.
  anchor: `SELECT iif(seq BETWEEN 0 AND ${ROW_MAX}, seq, 0), chain FROM log_anchor WHERE realm = ?`,
}

export function prepareReads(db: DatabaseSync): Reads {
  const made = Object.entries(SQL).map(([name, text]) => {
    const statement = db.prepare(text)
    // Arrays cost two thirds of objects with named members (bench/README.md, "in process").
    statement.setReturnArrays(true)
    return [name, statement] as const
  })
  // The keys are those of SQL, which Object.fromEntries cannot express.
  return Object.fromEntries(made) as Reads
}

/** A row as an array; node:sqlite types every row as an object. */
export function rowOf<T>(statement: StatementSync, ...values: (string | number)[]): T | undefined {
  return statement.get(...values) as T | undefined
}

export type RecordRow = readonly [id: string, version: number, body: string | null]

export function directoryRecord(collection: string, [id, version, body]: RecordRow): DirectoryRecord {
  return { collection, id, version, body: body ?? undefined }
}

export type ExpiringRow = readonly [id: string, value: Uint8Array, expiresAt: number]

export function entryOfRow(kind: ExpiringKind, [id, value, expiresAtMs]: ExpiringRow): ExpiringEntry {
  return { kind, id, value, expiresAtMs }
}

export function readHead(reads: Reads, realm: RealmOrdinal): LogHead {
  const row = rowOf<[id: number, chain: Uint8Array]>(reads.head, ...logSpan(realm, 0))
  if (row === undefined) return { seq: 0, chain: CHAIN_START }
  return { seq: seqOfLogId(row[0]), chain: Buffer.from(row[1]) }
}

export function readAnchor(reads: Reads, realm: RealmOrdinal): LogHead {
  const row = rowOf<[seq: number, chain: Uint8Array]>(reads.anchor, realm)
  return row === undefined ? { seq: 0, chain: CHAIN_START } : { seq: row[0], chain: Buffer.from(row[1]) }
}

/** The ids of a realm's rows after a seq lie between these two. */
export function logSpan(realm: RealmOrdinal, after: number): [number, number] {
  return [logId(realm, after), logId(realmOrdinal(realm + 1), 0)]
}
