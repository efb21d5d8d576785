import type {
  ConflictWhat,
  DirectoryRecord,
  Group,
  GroupOutcome,
  NewRecord,
  Operation,
  Store,
  Write,
  WriteOutcome,
} from '@rescind/authority'
import {
  type Handle,
  ORIGIN,
  parseHandle,
  type RealmOrdinal,
  realmOrdinal,
  type TokenDigest,
  type TokenRecord,
  tokenDigest,
} from '@rescind/core'
import { sha256 } from '@rescind/core/bytes'
import { encodeRule, type Rule } from '@rescind/core/log'

export const REALM: RealmOrdinal = realmOrdinal(1)
export const OTHER_REALM: RealmOrdinal = realmOrdinal(2)
export const SOURCE = 'chat/acme'
/** 2026-03-01T12:00:00.000Z. */
export const NOW_MS = 1_772_366_400_000
const DIGEST_KEY = 'k'.repeat(43)

/** Distinct numbers give distinct digests. */
export function digestAt(number: number): TokenDigest {
  return tokenDigest(sha256(Buffer.from(`digest ${number}`)).toString('base64url'))
}

export function handleAt(number: number): Handle {
  const bits = sha256(Buffer.from(`handle ${number}`)).subarray(0, 16)
  const handle = parseHandle(`tok_${bits.toString('base64url')}`)
  if (handle === undefined) throw new Error('a sample handle must be one')
  return handle
}

/** A token with only the required members. */
export function bareToken(number: number, over: Partial<TokenRecord> = {}): TokenRecord {
  const handle = handleAt(number)
  return {
    digest: digestAt(number),
    handle,
    kind: 'access',
    source: SOURCE,
    grant: grantFor(handle),
    ancestors: [],
    position: ORIGIN,
    issuedAtMs: NOW_MS,
    expiresAtMs: NOW_MS + 3_600_000,
    ...over,
  }
}

function grantFor(handle: Handle): TokenRecord['grant'] {
  return `grt_${handle.slice('tok_'.length)}` as TokenRecord['grant']
}

export function put(record: TokenRecord): Operation {
  return { kind: 'put-token', record }
}

export function consume(number: number, sealed?: Uint8Array): Operation {
  return { kind: 'consume', handle: handleAt(number), sealed }
}

export type Fate = { readonly tombstone: boolean }

export function forget(number: number, { tombstone }: Fate): Operation {
  return {
    kind: 'forget-token',
    token: { digest: digestAt(number), handle: handleAt(number), source: SOURCE, tombstone },
  }
}

export type Appended = { readonly rule?: Rule; readonly audit?: string; readonly atMs?: number }

export function append({ rule = RELEASE, audit = '{"by":"test"}', atMs = NOW_MS }: Appended = {}): Operation {
  return { kind: 'append', row: { atMs, rule, bytes: encodeRule(rule, DIGEST_KEY), audit } }
}

const RELEASE: Rule = { kind: 'release', id: 'a hold that never was' }

export function putRecord(id: string, given: Partial<NewRecord> = {}): Operation {
  return {
    kind: 'put-record',
    record: { collection: 'things', id, fromVersion: 0, body: '{}', keys: [], ...given },
  }
}

export function deleteRecord(id: string, fromVersion: number): Operation {
  return { kind: 'delete-record', collection: 'things', id, fromVersion }
}

export function write(...operations: readonly Operation[]): Write {
  return writeIn(REALM, ...operations)
}

export function writeIn(realm: RealmOrdinal, ...operations: readonly Operation[]): Write {
  return { realm, dependsOn: [], expects: [], operations }
}

/** A group that leaves the floor unchanged. */
export function groupOf(writes: readonly Write[]): Group {
  return { writes, floorMs: 0 }
}

/** Commits writes as one group. */
export async function commit(store: Store, ...writes: readonly Write[]): Promise<GroupOutcome> {
  return store.commit(groupOf(writes))
}

export function applied(firstSeq: number): WriteOutcome {
  return { kind: 'applied', firstSeq }
}

export function conflict(what: ConflictWhat): WriteOutcome {
  return { kind: 'conflict', what }
}

/** A record with comparable bytes: some engines return a Buffer, others a Uint8Array. */
export function comparable(record: TokenRecord | undefined): unknown {
  if (record?.sealed === undefined) return record
  return { ...record, sealed: hex(record.sealed) }
}

export function hex(bytes: Uint8Array | undefined): string | undefined {
  return bytes === undefined ? undefined : Buffer.from(bytes).toString('hex')
}

/** Only the members of a directory record that the port promises. */
export function asRecord(record: DirectoryRecord | undefined): DirectoryRecord | undefined {
  if (record === undefined) return undefined
  const { collection, id, version, body } = record
  return { collection, id, version, body }
}
