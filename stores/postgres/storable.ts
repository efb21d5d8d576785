import type { NewRecord, Operation, RecordKey, Write } from '@rescind/authority'
import { INDEXED_BYTES_MAX } from '../move/tables.ts'
import { listsByClient } from '../token-facts.ts'

/** PostgreSQL's text holds no NUL. */
const NUL = '\0'

/** Whether every text of a write can be stored, and indexed. What cannot is refused alone, and never found. */
export function isStorable({ expects, operations }: Write): boolean {
  return (
    !expects.some(({ collection, id }) => hasNul(collection, id)) && operations.every(isStorableOperation)
  )
}

function isStorableOperation(operation: Operation): boolean {
  switch (operation.kind) {
    case 'put-token': {
      const { source, client, digest } = operation.record
      if (hasNul(source, client ?? '')) return false
      return fits(source, digest) && (!listsByClient(operation.record) || fits(source, client ?? ''))
    }
    case 'put-record': {
      const { collection, id, body, keys, lists = [] } = operation.record
      return (
        !hasNul(collection, id, body) &&
        !hasNulKey(keys) &&
        !hasNulKey(lists) &&
        isIndexable(operation.record)
      )
    }
    case 'delete-record':
      return !hasNul(operation.collection, operation.id)
    case 'put-expiring':
      return !hasNul(operation.entry.id) && fits(operation.entry.kind, operation.entry.id)
    case 'drop-expiring':
      return !hasNul(operation.entry.id)
    case 'forget-token':
      return !hasNul(operation.token.source)
    case 'extend-token':
    case 'consume':
    case 'append':
    case 'forget-audit':
    case 'trim-log':
      return true
  }
}

function hasNul(...texts: readonly string[]): boolean {
  return texts.some((text) => text.includes(NUL))
}

function hasNulKey(keys: readonly RecordKey[]): boolean {
  return keys.some(({ name, value }) => hasNul(name, value))
}

function isIndexable({ collection, id, keys, lists = [] }: NewRecord): boolean {
  return (
    fits(collection, id) &&
    keys.every(({ name, value }) => fits(collection, name, value)) &&
    lists.every(({ name, value }) => fits(collection, name, value, id))
  )
}

/** Whether one entry of an index can hold all of these. */
function fits(...texts: readonly string[]): boolean {
  let bytes = 0
  for (const text of texts) bytes += Buffer.byteLength(text)
  return bytes <= INDEXED_BYTES_MAX
}
