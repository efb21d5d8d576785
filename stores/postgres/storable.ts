import type { Operation, RecordKey, Write } from '@rescind/authority'

/** PostgreSQL's text holds no NUL. */
const NUL = '\0'

/** Whether every text of a write can be stored. What cannot is refused alone, and never found. */
export function isStorable({ expects, operations }: Write): boolean {
  return (
    !expects.some(({ collection, id }) => hasNul(collection, id)) && operations.every(isStorableOperation)
  )
}

function isStorableOperation(operation: Operation): boolean {
  switch (operation.kind) {
    case 'put-token': {
      const { source, client } = operation.record
      return !hasNul(source, client ?? '')
    }
    case 'put-record': {
      const { collection, id, body, keys, lists = [] } = operation.record
      return !hasNul(collection, id, body) && !hasNulKey(keys) && !hasNulKey(lists)
    }
    case 'delete-record':
      return !hasNul(operation.collection, operation.id)
    case 'put-expiring':
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
