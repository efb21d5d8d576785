import {
  type FoldedLog,
  keptBySource,
  type NewRecord,
  type NewRow,
  type Operation,
  rowKeys,
  type Write,
} from '@rescind/authority'
import { KEEP_FOREVER_MS } from '@rescind/core'
import { type IndexKey, keepInBytes, traitsOf } from '@rescind/core/log'
import { factsText, listsByClient } from '../token-facts.ts'

/** An operation as `apply_1` reads it; bytes as PostgreSQL's text for them. */
export type StoredOperation = { readonly k: string; readonly [column: string]: unknown }

/** `\x…`: what PostgreSQL reads as bytes. */
export function hex(bytes: Uint8Array): string {
  return `\\x${Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex')}`
}

/** The 16 bytes of each key, which PostgreSQL reads as a uuid. */
export function uuids(keys: readonly IndexKey[]): readonly string[] {
  return keys.map((key) => Buffer.from(key, 'latin1').toString('hex'))
}

/**
 * A write's operations in order; records that follow each other are one. At least one, so that every write has an outcome.
 * @param folded of its realm; without it a row has no keys, and so concerns whatever is judged later.
 */
export function storedOperations(
  { expects, operations }: Write,
  folded: FoldedLog | undefined,
): readonly StoredOperation[] {
  const stored: StoredOperation[] = expects.map((one) => ({ k: 'expect', ...one }))
  let rows: unknown[] | undefined
  for (const operation of operations) {
    if (operation.kind !== 'put-record' && operation.kind !== 'delete-record') {
      rows = undefined
      stored.push(storedOperation(operation, folded))
      continue
    }
    if (rows === undefined) {
      rows = []
      stored.push({ k: 'records', rows })
    }
    rows.push(newRecord(operation.kind === 'put-record' ? operation.record : operation))
  }
  return stored.length === 0 ? [{ k: 'nothing' }] : stored
}

function storedOperation(
  operation: Exclude<Operation, RecordOperation>,
  folded: FoldedLog | undefined,
): StoredOperation {
  switch (operation.kind) {
    case 'append':
      return appended(operation.row, folded)
    case 'put-token': {
      const { record } = operation
      const { digest, handle, source, client, expiresAtMs, extendedAtMs, sealed } = record
      return {
        ...{ k: 'put', digest, handle, source, client: listsByClient(record) ? client : undefined },
        ...{ ends: expiresAtMs, extended: extendedAtMs, facts: factsText(record) },
        sealed: sealed === undefined ? undefined : hex(sealed),
      }
    }
    case 'extend-token':
      return { k: 'extend', digest: operation.digest, ends: operation.expiresAtMs, extended: operation.atMs }
    case 'consume': {
      const { handle, sealed } = operation
      return { k: 'consume', handle, sealed: sealed === undefined ? undefined : hex(sealed) }
    }
    case 'put-expiring': {
      const { kind, id, value, expiresAtMs } = operation.entry
      const alive = operation.unlessAliveAtMs
      return { k: 'expiring', collection: kind, id, value: hex(value), ends: expiresAtMs, alive }
    }
    case 'drop-expiring': {
      const { kind, id } = operation.entry
      return { k: 'drop', collection: kind, id, ends: operation.ifExpiresAtMs }
    }
    case 'forget-token': {
      const { digest, handle, source, tombstone, ifExpiresAtMs } = operation.token
      return { k: 'forget', digest, handle, source: tombstone ? source : undefined, ends: ifExpiresAtMs }
    }
    case 'forget-audit':
      return { k: 'unaudit', low: operation.fromSeq, high: operation.throughSeq }
    case 'trim-log':
      return { k: 'trim', high: operation.throughSeq, kept: operation.keep, dropped: operation.forget }
  }
}

type RecordOperation = Extract<Operation, { readonly kind: 'put-record' | 'delete-record' }>
type Deleted = Omit<NewRecord, 'body' | 'keys' | 'lists'>

/** A deleted record has no body. */
function newRecord(record: NewRecord | Deleted): unknown {
  const { collection, id, fromVersion } = record
  const { body = null, keys = [], lists = [] } = 'body' in record ? record : {}
  return {
    ...{ collection, id, version: fromVersion, body },
    ...{ key_names: keys.map(({ name }) => name), key_values: keys.map(({ value }) => value) },
    ...{ list_names: lists.map(({ name }) => name), list_values: lists.map(({ value }) => value) },
  }
}

function appended({ rule, bytes, audit }: NewRow, folded: FoldedLog | undefined): StoredOperation {
  const keys = folded === undefined ? undefined : rowKeys(folded.digestKey, rule)
  const stored = {
    ...{ k: 'append', kind: traitsOf(rule).code, rule: hex(bytes), audit: hex(Buffer.from(audit, 'utf8')) },
    keys: keys === undefined ? undefined : uuids(keys),
    ordinal: rule.kind === 'epoch' ? rule.ordinal : undefined,
  }
  if (rule.kind !== 'revoke') return stored
  const keep = keepInBytes(bytes)
  const keepOf = keep >= KEEP_FOREVER_MS ? undefined : keptBySource(rule)
  return keepOf === undefined ? stored : { ...stored, keep, keep_of: keepOf }
}
