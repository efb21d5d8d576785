import type { Handle, RealmOrdinal, Source, TokenDigest, TokenFacts, TokenRecord } from '@rescind/core'
import { type Rule, traitsOf } from '@rescind/core/log'
import type { ExpiringKind } from '../kinds.ts'
import type { SharePath } from './backlog.ts'

/**
 * What one request writes: applied wholly or not at all, whoever shares its group. It is refused as stale when something
 * that it was judged by has been revoked since.
 */
export type Write = {
  readonly realm: RealmOrdinal
  /**
   * What this write depends on: every token that it puts, extends or consumes, and its caller, as they were judged.
   * A rule that has come to hit one of them makes the write stale.
   */
  readonly dependsOn: readonly Dependency[]
  readonly expects: readonly Expectation[]
  readonly operations: readonly Operation[]
}

export type Dependency = { readonly realm: RealmOrdinal; readonly facts: TokenFacts }

/** A directory record must be at this version when the write commits; 0 is "never existed". */
export type Expectation = { readonly collection: string; readonly id: string; readonly version: number }

export type Operation =
  /** Inserted only if its digest and handle are new. */
  | { readonly kind: 'put-token'; readonly record: TokenRecord }
  | {
      readonly kind: 'extend-token'
      readonly digest: TokenDigest
      readonly source: Source
      readonly expiresAtMs: number
      readonly atMs: number
    }
  /** Ends a single-use token that was not consumed yet. */
  | { readonly kind: 'consume'; readonly handle: Handle; readonly sealed: Uint8Array | undefined }
  | { readonly kind: 'append'; readonly row: NewRow }
  | { readonly kind: 'put-record'; readonly record: NewRecord }
  | {
      readonly kind: 'delete-record'
      readonly collection: string
      readonly id: string
      readonly fromVersion: number
    }
  /** Kept beside the log until it ends. Conflicts with one that ends after `unlessAliveAtMs`, if that is given. */
  | { readonly kind: 'put-expiring'; readonly entry: ExpiringEntry; readonly unlessAliveAtMs?: number }
  | { readonly kind: 'drop-expiring'; readonly entry: ExpiringName; readonly ifExpiresAtMs?: number }
  /** GC of a token that has ended; a revoked assigned text leaves its digest for good. */
  | { readonly kind: 'forget-token'; readonly token: ForgottenToken }
  /** Audit texts of these rows and of those between are over; their hashes stay, and the chain with them. */
  | { readonly kind: 'forget-audit'; readonly fromSeq: number; readonly throughSeq: number }
  | TrimLog

/**
 * Rows of a log up to this one are over and go, but for those that are `kept`: their rules stay, beside the log. The
 * place of the last one that went stays as the log's anchor. `forget`: rules that were kept before and are over now.
 * Doing it again changes nothing; a log always keeps its last row.
 */
export type TrimLog = {
  readonly kind: 'trim-log'
  readonly throughSeq: number
  readonly keep: readonly number[]
  readonly forget: readonly number[]
}

export type ForgottenToken = {
  readonly digest: TokenDigest
  readonly handle: Handle
  readonly source: Source
  readonly tombstone: boolean
  /** Only if the token still ends then: an extension that came first keeps it. */
  readonly ifExpiresAtMs?: number
}

/** A log row on its way; its seq and chain are given when it is committed. */
export type NewRow = {
  readonly atMs: number
  readonly rule: Rule
  /** The rule, encoded by `encodeRule`; how long a revocation is kept is set in them when it commits. */
  readonly bytes: Uint8Array
  /** JSON text: who, why, from where. */
  readonly audit: string
}

export type NewRecord = {
  readonly collection: string
  readonly id: string
  /** The version that it replaces: 0 creates, a tombstone's version revives. */
  readonly fromVersion: number
  readonly body: string
  /** Names and values by which this record, and no other of its collection, can be found. */
  readonly keys: readonly RecordKey[]
  /** Names and values by which it is listed, among others. */
  readonly lists?: readonly RecordKey[]
}

export type ExpiringName = { readonly kind: ExpiringKind; readonly id: string }

/**
 * Something small that must outlive a crash and has an end, but turns no verdict and is no part of the audit trail: a
 * spent assertion, an answer kept for a retry. Writing one is no log row.
 */
export type ExpiringEntry = ExpiringName & { readonly value: Uint8Array; readonly expiresAtMs: number }

export type RecordKey = { readonly name: string; readonly value: string }

/** The end of a realm's log as it is on stable storage. `seq` 0 is an empty log. */
export type LogHead = { readonly seq: number; readonly chain: Buffer }

/** What one flush makes durable. */
export type Group = { readonly writes: readonly Write[]; readonly floorMs: number }

export type ConflictWhat =
  | 'token-exists'
  | 'token-missing'
  | 'consumed'
  | 'record-changed'
  | 'key-taken'
  | 'expiring-exists'

/** What became of a write in the store. `firstSeq` is the seq of its first row, or of the head when it has none. */
export type WriteOutcome =
  | { readonly kind: 'applied'; readonly firstSeq: number }
  | { readonly kind: 'conflict'; readonly what: ConflictWhat }

export type GroupOutcome = {
  readonly outcomes: readonly WriteOutcome[]
  /** Heads of the realms that the group wrote rows to. */
  readonly heads: ReadonlyMap<RealmOrdinal, LogHead>
}

/** Whether a write turns a verdict negative: such writes go first and have a commit queue of their own. */
export function revokes(write: Write): boolean {
  return write.operations.some((operation) => {
    if (operation.kind !== 'append') return false
    const { rule } = operation.row
    return traitsOf(rule).hits(rule) !== undefined
  })
}

/**
 * Whose room a write takes up while it waits for the store: its realm's, there its source's, and there its caller's. What
 * a write depends on begins with its caller; without one it is the server's own.
 */
export function sharesOf({ realm, dependsOn }: Write): SharePath {
  const caller = dependsOn[0]?.facts
  return [realm, caller?.source ?? '', caller?.client ?? caller?.subject ?? '']
}
