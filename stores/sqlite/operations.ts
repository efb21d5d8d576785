import type { Operation, RecordKey } from '@rescind/authority'
import type { ByteReader, ByteWriter } from '@rescind/core/bytes'
import { traitsOf } from '@rescind/core/log'
import { factsText } from '../token-facts.ts'
import { blobOrNull, NOTHING, orNull, readList, readRows, readTime, writeRows, writeTime } from './columns.ts'
import type { TokenIndex } from './token-index.ts'
import { clientKey } from './token-row.ts'

/**
 * Each operation as the columns that the writer thread writes. Side logs store these objects as JSON, so their kinds and
 * members never change; the bytes below never leave the process.
 */
type Columns = {
  'put-token': {
    readonly kind: 'put'
    readonly source: string
    readonly digest: string
    readonly handle: string
    readonly expiresAt: number
    readonly extendedAt: number | null
    readonly client: string | null
    readonly facts: string
    readonly sealed: Uint8Array | null
    /** Rows that may already hold its digest or its handle. */
    readonly rows: readonly number[]
  }
  'extend-token': {
    readonly kind: 'extend'
    readonly digest: string
    readonly expiresAt: number
    readonly at: number
    readonly rows: readonly number[]
  }
  consume: { readonly kind: 'consume'; readonly handle: string; readonly sealed: Uint8Array | null }
  append: {
    readonly kind: 'append'
    readonly at: number
    readonly row: number
    readonly rule: Buffer
    /** UTF-8 JSON. */
    readonly audit: Buffer
  }
  'put-record': {
    readonly kind: 'record'
    readonly collection: string
    readonly id: string
    readonly fromVersion: number
    readonly body: string
    readonly keys: readonly RecordKey[]
    readonly lists: readonly RecordKey[]
  }
  'delete-record': {
    readonly kind: 'remove'
    readonly collection: string
    readonly id: string
    readonly fromVersion: number
  }
  'put-expiring': {
    readonly kind: 'memo'
    readonly of: string
    readonly id: string
    readonly value: Uint8Array
    readonly expiresAt: number
    readonly unlessAliveAt: number | null
  }
  'drop-expiring': {
    readonly kind: 'unmemo'
    readonly of: string
    readonly id: string
    readonly ifExpiresAt: number | null
  }
  'forget-token': {
    readonly kind: 'forget'
    readonly digest: string
    readonly handle: string
    readonly tombstoneOf: string | null
    readonly ifExpiresAt: number | null
    readonly rows: readonly number[]
  }
  'forget-audit': { readonly kind: 'unaudit'; readonly fromSeq: number; readonly throughSeq: number }
  'trim-log': {
    readonly kind: 'trim'
    readonly throughSeq: number
    readonly keep: readonly number[]
    readonly forget: readonly number[]
  }
}

type OperationKind = Operation['kind']

export type StoredOperation = Columns[OperationKind]
export type StoredKind = StoredOperation['kind']
export type Stored<K extends StoredKind> = Extract<StoredOperation, { readonly kind: K }>

type Coding<O extends Operation = Operation, C extends StoredOperation = StoredOperation> = {
  /** The first byte of the operation; never reuse one. */
  readonly code: number
  /** Writes what follows the code. @param index the rows of the tokens that it may name. */
  encode(out: ByteWriter, operation: O, index: TokenIndex): void
  decode(from: ByteReader): C
}

/** The only table of the bytes of operations. An operation without an entry does not compile. */
const OPERATIONS: { readonly [K in OperationKind]: Coding<Extract<Operation, { kind: K }>, Columns[K]> } = {
  'put-token': {
    code: 12,
    encode(out, { record }, index) {
      const { digest, handle } = record
      out.longText(record.source).longText(digest).longText(handle).f64(record.expiresAtMs)
      writeTime(out, record.extendedAtMs)
      out.longText(clientKey(record) ?? '').longText(factsText(record))
      out.block(record.sealed ?? NOTHING)
      writeRows(out, index.byDigest(digest), index.byHandle(handle))
    },
    decode: (from) => ({
      kind: 'put',
      source: from.longText(),
      digest: from.longText(),
      handle: from.longText(),
      expiresAt: from.f64(),
      extendedAt: readTime(from),
      client: orNull(from.longText()),
      facts: from.longText(),
      sealed: blobOrNull(from.block()),
      rows: readRows(from),
    }),
  },
  'extend-token': {
    code: 2,
    encode(out, { digest, expiresAtMs, atMs }, index) {
      out.longText(digest).f64(expiresAtMs).f64(atMs)
      writeRows(out, index.byDigest(digest))
    },
    decode: (from) => ({
      kind: 'extend',
      digest: from.longText(),
      expiresAt: from.f64(),
      at: from.f64(),
      rows: readRows(from),
    }),
  },
  consume: {
    code: 3,
    encode: (out, { handle, sealed }) => out.longText(handle).block(sealed ?? NOTHING),
    decode: (from) => ({ kind: 'consume', handle: from.longText(), sealed: blobOrNull(from.block()) }),
  },
  append: {
    code: 4,
    encode: (out, { row: { atMs, rule, bytes, audit } }) =>
      out.f64(atMs).u8(traitsOf(rule).code).block(bytes).longText(audit),
    decode: (from) => ({
      kind: 'append',
      at: from.f64(),
      row: from.u8(),
      rule: from.block(),
      audit: from.block(),
    }),
  },
  'put-record': {
    code: 5,
    encode(out, { record: { collection, id, fromVersion, body, keys, lists = [] } }) {
      out.longText(collection).longText(id).f64(fromVersion).longText(body)
      writeKeys(out, keys)
      writeKeys(out, lists)
    },
    decode: (from) => ({
      kind: 'record',
      collection: from.longText(),
      id: from.longText(),
      fromVersion: from.f64(),
      body: from.longText(),
      keys: readList(from, readKey),
      lists: readList(from, readKey),
    }),
  },
  'delete-record': {
    code: 6,
    encode: (out, { collection, id, fromVersion }) => out.longText(collection).longText(id).f64(fromVersion),
    decode: (from) => ({
      kind: 'remove',
      collection: from.longText(),
      id: from.longText(),
      fromVersion: from.f64(),
    }),
  },
  'forget-token': {
    code: 7,
    encode(out, { token: { digest, handle, source, tombstone, ifExpiresAtMs } }, index) {
      out
        .longText(digest)
        .longText(handle)
        .longText(tombstone ? source : '')
      writeTime(out, ifExpiresAtMs)
      writeRows(out, index.byDigest(digest))
    },
    decode: (from) => ({
      kind: 'forget',
      digest: from.longText(),
      handle: from.longText(),
      tombstoneOf: orNull(from.longText()),
      ifExpiresAt: readTime(from),
      rows: readRows(from),
    }),
  },
  'put-expiring': {
    code: 8,
    encode(out, { entry: { kind, id, value, expiresAtMs }, unlessAliveAtMs }) {
      out.longText(kind).longText(id).block(value).f64(expiresAtMs)
      writeTime(out, unlessAliveAtMs)
    },
    decode: (from) => ({
      kind: 'memo',
      of: from.longText(),
      id: from.longText(),
      value: from.block(),
      expiresAt: from.f64(),
      unlessAliveAt: readTime(from),
    }),
  },
  'drop-expiring': {
    code: 9,
    encode(out, { entry, ifExpiresAtMs }) {
      out.longText(entry.kind).longText(entry.id)
      writeTime(out, ifExpiresAtMs)
    },
    decode: (from) => ({
      kind: 'unmemo',
      of: from.longText(),
      id: from.longText(),
      ifExpiresAt: readTime(from),
    }),
  },
  'forget-audit': {
    code: 10,
    encode: (out, { fromSeq, throughSeq }) => out.f64(fromSeq).f64(throughSeq),
    decode: (from) => ({ kind: 'unaudit', fromSeq: from.f64(), throughSeq: from.f64() }),
  },
  'trim-log': {
    code: 11,
    encode(out, { throughSeq, keep, forget }) {
      out.f64(throughSeq)
      writeRows(out, keep)
      writeRows(out, forget)
    },
    decode: (from) => ({
      kind: 'trim',
      throughSeq: from.f64(),
      keep: readRows(from),
      forget: readRows(from),
    }),
  },
}

type Decode = (from: ByteReader) => StoredOperation

const BY_CODE: ReadonlyMap<number, Decode> = new Map(
  Object.values(OPERATIONS).map(({ code, decode }) => [code, decode]),
)

export function encodeOperation(out: ByteWriter, operation: Operation, index: TokenIndex): void {
  const { code, encode }: Coding = OPERATIONS[operation.kind]
  encode(out.u8(code), operation, index)
}

/** @throws Error for an unknown code. */
export function decodeOperation(from: ByteReader): StoredOperation {
  const code = from.u8()
  const decode = BY_CODE.get(code)
  if (decode === undefined) throw new Error(`unknown operation ${code} in a group`)
  return decode(from)
}

function writeKeys(out: ByteWriter, keys: readonly RecordKey[]): void {
  out.u32(keys.length)
  for (const { name, value } of keys) out.longText(name).longText(value)
}

function readKey(from: ByteReader): RecordKey {
  return { name: from.longText(), value: from.longText() }
}
