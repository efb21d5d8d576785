import type { Group, Operation, RecordKey, Unit } from '@rescind/authority'
import { type RealmOrdinal, realmOrdinal, unreachable } from '@rescind/core'
import { ByteReader, ByteWriter } from '@rescind/core/bytes'
import { traitsOf } from '@rescind/core/log'
import type { TokenIndex } from './token-index.ts'
import { clientKey, factsText, sourceIn } from './token-row.ts'

/**
 * A group on its way to the writer thread, as one block of bytes: handing over one buffer costs a tenth of what
 * cloning the objects of 64 units costs (bench/README.md, "threads").
 */
const OP = {
  put: 1,
  extend: 2,
  consume: 3,
  append: 4,
  record: 5,
  remove: 6,
  forget: 7,
  memo: 8,
  unmemo: 9,
  unaudit: 10,
  trim: 11,
  /** As `put`, with the token's source; `put` alone stands in side logs of older versions. */
  putFrom: 12,
} as const
const NOTHING = new Uint8Array(0)

/** @param index where tokens stand that an operation may name; the writer reads them to be sure. */
export function encodeGroup(group: Group, index: TokenIndex): Uint8Array<ArrayBuffer> {
  const out = new ByteWriter()
  out.f64(group.floorMs).u32(group.units.length)
  for (const unit of group.units) encodeUnit(out, unit, index)
  // A copy of its own: small buffers share a pool, which must not be handed to another thread.
  return new Uint8Array(out.bytes())
}

function encodeUnit(out: ByteWriter, unit: Unit, index: TokenIndex): void {
  out.u32(unit.realm).u32(unit.expects.length)
  for (const { collection, id, version } of unit.expects) out.longText(collection).longText(id).f64(version)
  out.u32(unit.operations.length)
  for (const operation of unit.operations) encodeOperation(out, operation, index)
}

function encodeOperation(out: ByteWriter, operation: Operation, index: TokenIndex): void {
  switch (operation.kind) {
    case 'put-token': {
      const { record } = operation
      out.u8(OP.putFrom).longText(record.source)
      out.longText(record.digest).longText(record.handle).f64(record.expiresAtMs)
      encodeTime(out, record.extendedAtMs)
      out
        .longText(clientKey(record) ?? '')
        .longText(factsText(record))
        .block(record.sealed ?? NOTHING)
      encodeRows(out, index.byDigest(record.digest), index.byHandle(record.handle))
      return
    }
    case 'extend-token':
      out.u8(OP.extend).longText(operation.digest).f64(operation.expiresAtMs).f64(operation.atMs)
      encodeRows(out, index.byDigest(operation.digest))
      return
    case 'consume':
      out
        .u8(OP.consume)
        .longText(operation.handle)
        .block(operation.sealed ?? NOTHING)
      return
    case 'append': {
      const { row } = operation
      out.u8(OP.append).f64(row.atMs).u8(traitsOf(row.rule).code).block(row.bytes).longText(row.audit)
      return
    }
    case 'put-record': {
      const { collection, id, fromVersion, body, keys, lists = [] } = operation.record
      out.u8(OP.record).longText(collection).longText(id).f64(fromVersion).longText(body).u32(keys.length)
      for (const { name, value } of keys) out.longText(name).longText(value)
      out.u32(lists.length)
      for (const { name, value } of lists) out.longText(name).longText(value)
      return
    }
    case 'delete-record':
      out.u8(OP.remove).longText(operation.collection).longText(operation.id).f64(operation.fromVersion)
      return
    case 'put-memo': {
      const { kind, id, value, expiresAtMs } = operation.memo
      out.u8(OP.memo).longText(kind).longText(id).block(value).f64(expiresAtMs)
      encodeTime(out, operation.unlessAliveAtMs)
      return
    }
    case 'drop-memo':
      out.u8(OP.unmemo).longText(operation.memo.kind).longText(operation.memo.id)
      encodeTime(out, operation.ifExpiresAtMs)
      return
    case 'forget-token': {
      const { digest, handle, source, tombstone, ifExpiresAtMs } = operation.token
      out
        .u8(OP.forget)
        .longText(digest)
        .longText(handle)
        .longText(tombstone ? source : '')
      encodeTime(out, ifExpiresAtMs)
      encodeRows(out, index.byDigest(digest))
      return
    }
    case 'forget-audit':
      out.u8(OP.unaudit).f64(operation.fromSeq).f64(operation.throughSeq)
      return
    case 'trim-log':
      out.u8(OP.trim).f64(operation.throughSeq)
      encodeRows(out, operation.keep)
      encodeRows(out, operation.forget)
      return
    default:
      unreachable(operation)
  }
}

export type StoredUnit = {
  readonly realm: RealmOrdinal
  readonly expects: readonly { readonly collection: string; readonly id: string; readonly version: number }[]
  readonly operations: readonly StoredOperation[]
}

/** An operation as the writer thread executes it: columns, not meanings. */
export type StoredOperation =
  | {
      readonly kind: 'put'
      readonly source: string
      readonly digest: string
      readonly handle: string
      readonly expiresAt: number
      readonly extendedAt: number | null
      readonly client: string | null
      readonly facts: string
      readonly sealed: Uint8Array | null
      /** Rows that may hold its digest, or its handle, already. */
      readonly rows: readonly number[]
    }
  | {
      readonly kind: 'extend'
      readonly digest: string
      readonly expiresAt: number
      readonly at: number
      readonly rows: readonly number[]
    }
  | { readonly kind: 'consume'; readonly handle: string; readonly sealed: Uint8Array | null }
  | {
      readonly kind: 'append'
      readonly at: number
      readonly row: number
      readonly rule: Buffer
      /** UTF-8 JSON. */
      readonly audit: Buffer
    }
  | {
      readonly kind: 'record'
      readonly collection: string
      readonly id: string
      readonly fromVersion: number
      readonly body: string
      readonly keys: readonly RecordKey[]
      readonly lists: readonly RecordKey[]
    }
  | {
      readonly kind: 'memo'
      readonly of: string
      readonly id: string
      readonly value: Uint8Array
      readonly expiresAt: number
      readonly unlessAliveAt: number | null
    }
  | {
      readonly kind: 'unmemo'
      readonly of: string
      readonly id: string
      readonly ifExpiresAt: number | null
    }
  | {
      readonly kind: 'remove'
      readonly collection: string
      readonly id: string
      readonly fromVersion: number
    }
  | {
      readonly kind: 'forget'
      readonly digest: string
      readonly handle: string
      readonly tombstoneOf: string | null
      readonly ifExpiresAt: number | null
      readonly rows: readonly number[]
    }
  | { readonly kind: 'unaudit'; readonly fromSeq: number; readonly throughSeq: number }
  | {
      readonly kind: 'trim'
      readonly throughSeq: number
      readonly keep: readonly number[]
      readonly forget: readonly number[]
    }

export type StoredGroup = { readonly floorMs: number; readonly units: readonly StoredUnit[] }

export function decodeGroup(bytes: Uint8Array): StoredGroup {
  const from = new ByteReader(bytes)
  const floorMs = from.f64()
  const units = list(from, decodeUnit)
  from.end()
  return { floorMs, units }
}

function decodeUnit(from: ByteReader): StoredUnit {
  const realm = realmOrdinal(from.u32())
  const expects = list(from, () => ({
    collection: from.longText(),
    id: from.longText(),
    version: from.f64(),
  }))
  return { realm, expects, operations: list(from, decodeOperation) }
}

function decodeOperation(from: ByteReader): StoredOperation {
  const kind = from.u8()
  switch (kind) {
    case OP.put:
      return decodePut(from)
    case OP.putFrom:
      return decodePut(from, from.longText())
    case OP.extend:
      return {
        kind: 'extend',
        digest: from.longText(),
        expiresAt: from.f64(),
        at: from.f64(),
        rows: decodeRows(from),
      }
    case OP.consume:
      return { kind: 'consume', handle: from.longText(), sealed: blobOrNull(from.block()) }
    case OP.append:
      return { kind: 'append', at: from.f64(), row: from.u8(), rule: from.block(), audit: from.block() }
    case OP.record: {
      const [collection, id, fromVersion] = [from.longText(), from.longText(), from.f64()]
      const body = from.longText()
      const key = (): RecordKey => ({ name: from.longText(), value: from.longText() })
      const keys = list(from, key)
      return { kind: 'record', collection, id, fromVersion, body, keys, lists: list(from, key) }
    }
    case OP.memo: {
      const [of, id, value, expiresAt] = [from.longText(), from.longText(), from.block(), from.f64()]
      return { kind: 'memo', of, id, value, expiresAt, unlessAliveAt: decodeTime(from) }
    }
    case OP.unmemo:
      return { kind: 'unmemo', of: from.longText(), id: from.longText(), ifExpiresAt: decodeTime(from) }
    case OP.remove:
      return { kind: 'remove', collection: from.longText(), id: from.longText(), fromVersion: from.f64() }
    case OP.forget: {
      const [digest, handle, tombstoneOf] = [from.longText(), from.longText(), orNull(from.longText())]
      const ifExpiresAt = decodeTime(from)
      return { kind: 'forget', digest, handle, tombstoneOf, ifExpiresAt, rows: decodeRows(from) }
    }
    case OP.unaudit:
      return { kind: 'unaudit', fromSeq: from.f64(), throughSeq: from.f64() }
    case OP.trim:
      return { kind: 'trim', throughSeq: from.f64(), keep: decodeRows(from), forget: decodeRows(from) }
    default:
      throw new Error(`unknown operation ${kind} in a group`)
  }
}

function decodePut(from: ByteReader, named?: string): StoredOperation {
  const [digest, handle, expiresAt] = [from.longText(), from.longText(), from.f64()]
  const extendedAt = decodeTime(from)
  const [client, facts, sealed] = [orNull(from.longText()), from.longText(), blobOrNull(from.block())]
  const rows = decodeRows(from)
  const source = named ?? sourceIn(facts)
  return { kind: 'put', source, digest, handle, expiresAt, extendedAt, client, facts, sealed, rows }
}

function encodeTime(out: ByteWriter, ms: number | undefined): void {
  if (ms === undefined) out.u8(0)
  else out.u8(1).f64(ms)
}

function decodeTime(from: ByteReader): number | null {
  return from.u8() === 0 ? null : from.f64()
}

function encodeRows(out: ByteWriter, rows: readonly number[], more: readonly number[] = NO_ROWS): void {
  out.u32(rows.length + more.length)
  for (const row of rows) out.f64(row)
  for (const row of more) out.f64(row)
}

function decodeRows(from: ByteReader): readonly number[] {
  const count = from.u32()
  return count === 0 ? NO_ROWS : Array.from({ length: count }, () => from.f64())
}

const NO_ROWS: readonly number[] = []

function list<T>(from: ByteReader, read: (from: ByteReader) => T): T[] {
  const items: T[] = []
  for (let left = from.u32(); left > 0; left -= 1) items.push(read(from))
  return items
}

function orNull(text: string): string | null {
  return text === '' ? null : text
}

function blobOrNull(bytes: Buffer): Uint8Array | null {
  return bytes.length === 0 ? null : bytes
}
