import type {
  ConflictWhat,
  NewRecord,
  NewRow,
  Operation,
  TrimLog,
  Write,
  WriteOutcome,
} from '@rescind/authority'
import { expiryCeiling, type Source, type TokenRecord, unreachable } from '@rescind/core'
import { sha256 } from '@rescind/core/bytes'
import { chainAfter, traitsOf } from '@rescind/core/log'
import { fileRecord, type RealmMemory, recordKey, uniqueKey } from './realm-memory.ts'

type Undo = () => void
type Step = { readonly undo: Undo } | { readonly conflict: ConflictWhat }

/** Applies all of a write, or nothing. */
export function applyWrite(realm: RealmMemory, write: Write): WriteOutcome {
  for (const { collection, id, version } of write.expects) {
    if ((realm.records.get(recordKey(collection, id))?.version ?? 0) !== version) {
      return { kind: 'conflict', what: 'record-changed' }
    }
  }
  const firstSeq = realm.head.seq + 1
  const undos: Undo[] = []
  for (const operation of write.operations) {
    const step = apply(realm, operation)
    if ('conflict' in step) {
      for (const undo of undos.reverse()) undo()
      return { kind: 'conflict', what: step.conflict }
    }
    undos.push(step.undo)
  }
  return { kind: 'applied', firstSeq: realm.head.seq >= firstSeq ? firstSeq : realm.head.seq }
}

function apply(realm: RealmMemory, operation: Operation): Step {
  switch (operation.kind) {
    case 'put-token':
      return putToken(realm, operation.record)
    case 'extend-token':
      return extendToken(realm, operation)
    case 'consume': {
      const { handle, sealed } = operation
      if (realm.consumed.has(handle)) return { conflict: 'consumed' }
      realm.consumed.set(handle, sealed)
      return { undo: () => realm.consumed.delete(handle) }
    }
    case 'append':
      return append(realm, operation.row)
    case 'put-record':
      return putRecord(realm, operation.record)
    case 'delete-record':
      return deleteRecord(realm, operation)
    case 'put-expiring':
      return putExpiring(realm, operation)
    case 'drop-expiring':
      return dropExpiring(realm, operation)
    case 'forget-token':
      return forgetToken(realm, operation.token)
    case 'forget-audit':
      return forgetAudit(realm, operation)
    case 'trim-log':
      return trimLog(realm, operation)
    default:
      return unreachable(operation)
  }
}

function putToken(realm: RealmMemory, record: TokenRecord): Step {
  if (realm.tokens.has(record.digest) || realm.byHandle.has(record.handle))
    return { conflict: 'token-exists' }
  const lower = raiseHighest(realm, record.source, record.expiresAtMs)
  realm.tokens.set(record.digest, record)
  realm.byHandle.set(record.handle, record.digest)
  realm.numbers.set(record.digest, realm.nextNumber)
  realm.nextNumber += 1
  return {
    undo: () => {
      realm.tokens.delete(record.digest)
      realm.numbers.delete(record.digest)
      realm.byHandle.delete(record.handle)
      lower()
    },
  }
}

function raiseHighest({ highest }: RealmMemory, source: Source, expiresAtMs: number): Undo {
  const before = highest.get(source)
  highest.set(source, Math.max(before ?? 0, expiryCeiling(expiresAtMs)))
  return () => (before === undefined ? highest.delete(source) : highest.set(source, before))
}

type ExtendToken = Extract<Operation, { kind: 'extend-token' }>

function extendToken(realm: RealmMemory, { digest, expiresAtMs, atMs }: ExtendToken): Step {
  const record = realm.tokens.get(digest)
  if (record === undefined) return { conflict: 'token-missing' }
  const lower = raiseHighest(realm, record.source, expiresAtMs)
  realm.tokens.set(digest, { ...record, expiresAtMs, extendedAtMs: atMs })
  return {
    undo: () => {
      realm.tokens.set(digest, record)
      lower()
    },
  }
}

function append(realm: RealmMemory, row: NewRow): Step {
  const before = realm.head
  const logged = { seq: before.seq + 1, atMs: row.atMs, kind: traitsOf(row.rule).code, rule: row.bytes }
  const auditHash = sha256(Buffer.from(row.audit, 'utf8'))
  const chain = chainAfter(before.chain, { ...logged, auditHash })
  realm.rows.push({ ...logged, auditHash, chain, audit: row.audit })
  realm.head = { seq: logged.seq, chain }
  return {
    undo: () => {
      realm.rows.pop()
      realm.head = before
    },
  }
}

function putRecord(realm: RealmMemory, record: NewRecord): Step {
  const { collection, id, fromVersion, body, keys, lists = [] } = record
  const at = recordKey(collection, id)
  const before = realm.records.get(at)
  if ((before?.version ?? 0) !== fromVersion) return { conflict: 'record-changed' }
  const isTaken = keys.some((key) => (realm.owners.get(uniqueKey(collection, key)) ?? at) !== at)
  if (isTaken) return { conflict: 'key-taken' }
  fileRecord(realm, at, { collection, id, version: fromVersion + 1, body, keys, lists })
  return { undo: () => fileRecord(realm, at, before) }
}

type DeleteRecord = Extract<Operation, { kind: 'delete-record' }>

function deleteRecord(realm: RealmMemory, { collection, id, fromVersion }: DeleteRecord): Step {
  const at = recordKey(collection, id)
  const before = realm.records.get(at)
  if (before?.body === undefined || before.version !== fromVersion) return { conflict: 'record-changed' }
  fileRecord(realm, at, { collection, id, version: fromVersion + 1, body: undefined, keys: [], lists: [] })
  return { undo: () => fileRecord(realm, at, before) }
}

type PutExpiring = Extract<Operation, { kind: 'put-expiring' }>

function putExpiring({ expiring: entries }: RealmMemory, { entry, unlessAliveAtMs }: PutExpiring): Step {
  const at = recordKey(entry.kind, entry.id)
  const before = entries.get(at)
  if (before !== undefined && unlessAliveAtMs !== undefined && before.expiresAtMs > unlessAliveAtMs) {
    return { conflict: 'expiring-exists' }
  }
  entries.set(at, entry)
  return { undo: () => (before === undefined ? entries.delete(at) : entries.set(at, before)) }
}

type DropExpiring = Extract<Operation, { kind: 'drop-expiring' }>

/** Dropping an entry that is not there, or was put again, is already done. */
function dropExpiring({ expiring: entries }: RealmMemory, { entry, ifExpiresAtMs }: DropExpiring): Step {
  const at = recordKey(entry.kind, entry.id)
  const before = entries.get(at)
  if (before === undefined || (ifExpiresAtMs !== undefined && before.expiresAtMs !== ifExpiresAtMs)) {
    return { undo: () => {} }
  }
  entries.delete(at)
  return { undo: () => entries.set(at, before) }
}

type ForgetAudit = Extract<Operation, { kind: 'forget-audit' }>

function forgetAudit({ rows, anchor }: RealmMemory, { fromSeq, throughSeq }: ForgetAudit): Step {
  const before = rows.filter(({ seq }) => seq >= fromSeq && seq <= throughSeq)
  for (const row of before) {
    const { audit: _, ...rest } = row
    rows[row.seq - 1 - anchor.seq] = rest
  }
  return {
    undo: () => {
      for (const row of before) rows[row.seq - 1 - anchor.seq] = row
    },
  }
}

function trimLog(realm: RealmMemory, { throughSeq, keep, forget }: TrimLog): Step {
  const { rows, anchor, kept, head } = realm
  if (throughSeq >= head.seq) return { conflict: 'record-changed' }
  const gone = rows.splice(0, Math.max(0, throughSeq - anchor.seq))
  const keptBefore = [...kept]
  for (const { seq, atMs, kind, rule } of gone)
    if (keep.includes(seq)) kept.set(seq, { seq, atMs, kind, rule })
  for (const seq of forget) kept.delete(seq)
  const last = gone.at(-1)
  if (last !== undefined) realm.anchor = { seq: last.seq, chain: Buffer.from(last.chain) }
  return {
    undo: () => {
      rows.unshift(...gone)
      kept.clear()
      for (const [seq, row] of keptBefore) kept.set(seq, row)
      realm.anchor = anchor
    },
  }
}

type Forget = Extract<Operation, { kind: 'forget-token' }>['token']

function forgetToken(realm: RealmMemory, { digest, handle, source, tombstone, ifExpiresAtMs }: Forget): Step {
  const record = realm.tokens.get(digest)
  if (record === undefined || record.handle !== handle) return { conflict: 'token-missing' }
  if (ifExpiresAtMs !== undefined && ifExpiresAtMs !== record.expiresAtMs)
    return { conflict: 'token-missing' }
  const number = realm.numbers.get(digest)
  const wasConsumed = realm.consumed.has(handle)
  const wasTombstone = realm.tombstones.has(digest)
  const consumption = realm.consumed.get(handle)
  realm.tokens.delete(digest)
  realm.byHandle.delete(handle)
  realm.numbers.delete(digest)
  realm.consumed.delete(handle)
  if (tombstone) realm.tombstones.set(digest, source)
  return {
    undo: () => {
      realm.tokens.set(digest, record)
      realm.byHandle.set(handle, digest)
      if (number !== undefined) realm.numbers.set(digest, number)
      if (wasConsumed) realm.consumed.set(handle, consumption)
      if (tombstone && !wasTombstone) realm.tombstones.delete(digest)
    },
  }
}
