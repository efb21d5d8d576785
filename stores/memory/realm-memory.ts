import type { DirectoryRecord, ExpiringEntry, LogHead, RecordKey } from '@rescind/authority'
import type { Handle, Source, TokenDigest, TokenRecord } from '@rescind/core'
import { CHAIN_START, type ChainedLogRow, type LogRow } from '@rescind/core/log'

export type FiledRecord = DirectoryRecord & {
  readonly keys: readonly RecordKey[]
  readonly lists: readonly RecordKey[]
}

/** Everything stored for one realm, in plain maps; insertion order is commit order. */
export type RealmMemory = {
  readonly tokens: Map<TokenDigest, TokenRecord>
  /** When each token was put; lists are ordered and paged by it. */
  readonly numbers: Map<TokenDigest, number>
  nextNumber: number
  readonly byHandle: Map<Handle, TokenDigest>
  /** By source; see `Store.highestExpiries`. */
  readonly highest: Map<Source, number>
  readonly consumed: Map<Handle, Uint8Array | undefined>
  readonly tombstones: Map<TokenDigest, Source>
  readonly records: Map<string, FiledRecord>
  /** From a `uniqueKey` to the key in `records` of its owner. */
  readonly owners: Map<string, string>
  readonly expiring: Map<string, ExpiringEntry>
  /** The rows after the anchor. */
  readonly rows: ChainedLogRow[]
  anchor: LogHead
  readonly kept: Map<number, LogRow>
  /** The realm's head. */
  head: LogHead
}

export function emptyRealm(): RealmMemory {
  return {
    tokens: new Map(),
    numbers: new Map(),
    nextNumber: 1,
    byHandle: new Map(),
    highest: new Map(),
    consumed: new Map(),
    tombstones: new Map(),
    records: new Map(),
    owners: new Map(),
    expiring: new Map(),
    rows: [],
    anchor: { seq: 0, chain: CHAIN_START },
    kept: new Map(),
    head: { seq: 0, chain: CHAIN_START },
  }
}

export function uniqueKey(collection: string, { name, value }: RecordKey): string {
  return `${collection}\0${name}\0${value}`
}

/** Stores a record, or removes it, together with its unique keys. */
export function fileRecord(
  { records, owners }: RealmMemory,
  at: string,
  next: FiledRecord | undefined,
): void {
  const before = records.get(at)
  for (const key of before?.keys ?? []) owners.delete(uniqueKey(before?.collection ?? '', key))
  if (next === undefined) records.delete(at)
  else records.set(at, next)
  for (const key of next?.keys ?? []) owners.set(uniqueKey(next?.collection ?? '', key), at)
}

export function recordKey(collection: string, id: string): string {
  return `${collection}\0${id}`
}
