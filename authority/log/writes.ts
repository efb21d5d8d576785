import type { Handle, RealmOrdinal, Source, TokenDigest, TokenFacts, TokenRecord } from '@rescind/core'
import { type ChainedLogRow, type Rule, traitsOf } from '@rescind/core/log'
import type { ExpiringKind } from '../kinds.ts'
import type { SharePath } from './backlog.ts'

/**
 * What one request writes; applied whole or not at all, independently of the rest of its group. It is refused as stale when
 * something that it depends on has been revoked since it was judged.
 */
export type Write = {
  readonly realm: RealmOrdinal
  /**
   * Every token that this write puts, extends or consumes, and its caller, as they were judged. A newer rule that hits one of
   * them makes the write stale.
   */
  readonly dependsOn: readonly Dependency[]
  readonly expects: readonly Expectation[]
  readonly operations: readonly Operation[]
  /**
   * Collections whose records decided what it writes, and the last row that was folded before they were read: it is stale
   * once a record of theirs has changed since.
   */
  readonly reads?: { readonly collections: readonly string[]; readonly afterSeq: number }
  /** Nobody waits for it, and no revocation may: it is in no group with one. */
  readonly isBackground?: true
  /** Part of the upkeep: on a shared store it is stale once another process does that. */
  readonly isUpkeep?: true
  /** Ended tokens of its realm that it takes for not revoked: it is stale once a rule hits one of them. */
  readonly unlessRevoked?: readonly TokenFacts[]
}

/** A write of the server's own that depends on nothing but its turn. */
export const UPKEEP: Pick<Write, 'dependsOn' | 'expects' | 'isUpkeep'> = {
  dependsOn: [],
  expects: [],
  isUpkeep: true,
}

export type Dependency = { readonly realm: RealmOrdinal; readonly facts: TokenFacts }

/** The version that a directory record must have when the write commits; 0: it never existed. */
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
  /** Ends a single-use token that has not been consumed. */
  | { readonly kind: 'consume'; readonly handle: Handle; readonly sealed: Uint8Array | undefined }
  | { readonly kind: 'append'; readonly row: NewRow }
  | { readonly kind: 'put-record'; readonly record: NewRecord }
  | {
      readonly kind: 'delete-record'
      readonly collection: string
      readonly id: string
      readonly fromVersion: number
    }
  /** Stores an entry beside the log until it expires. Conflicts with an entry that ends after `unlessAliveAtMs`, if given. */
  | { readonly kind: 'put-expiring'; readonly entry: ExpiringEntry; readonly unlessAliveAtMs?: number }
  | { readonly kind: 'drop-expiring'; readonly entry: ExpiringName; readonly ifExpiresAtMs?: number }
  /** Garbage collection of an ended token; a revoked assigned text leaves its digest for good. */
  | { readonly kind: 'forget-token'; readonly token: ForgottenToken }
  /** Drops the audit texts of these rows; their hashes stay, so the chain stays valid. */
  | { readonly kind: 'forget-audit'; readonly fromSeq: number; readonly throughSeq: number }
  | TrimLog

/**
 * Removes the rows of a log up to this one, except that the rules in `keep` stay beside the log. The position of the last
 * removed row becomes the log's anchor. `forget`: kept rules that have expired. Repeating it changes nothing. A log always
 * keeps its last row.
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
  /** Applies only if the token still ends then: an earlier extension keeps it. */
  readonly ifExpiresAtMs?: number
}

/** A log row before its commit, which assigns its seq and chain. */
export type NewRow = {
  readonly atMs: number
  readonly rule: Rule
  /** The encoded rule. The commit writes a revocation's keep into it. */
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
  /** Names and values by which only this record of its collection is found. */
  readonly keys: readonly RecordKey[]
  /** Names and values by which it is listed, possibly with others. */
  readonly lists?: readonly RecordKey[]
}

export type ExpiringName = { readonly kind: ExpiringKind; readonly id: string }

/**
 * Something small that must survive a crash and expires, but changes no verdict and is not part of the audit trail: a
 * spent assertion, an answer kept for a retry. Writing one makes no log row.
 */
export type ExpiringEntry = ExpiringName & { readonly value: Uint8Array; readonly expiresAtMs: number }

export type RecordKey = { readonly name: string; readonly value: string }

/** The end of a realm's log on stable storage. `seq` 0: the log is empty. */
export type LogHead = { readonly seq: number; readonly chain: Buffer }

/** How far this process has folded a realm's log, and the key of its index keys. */
export type FoldedLog = LogHead & { readonly ordinal: number; readonly digestKey: string }

/** What one flush makes durable. */
export type Group = {
  readonly writes: readonly Write[]
  readonly floorMs: number
  /**
   * What the writes were judged by, for each realm that they write to or depend on. A store that other processes write to
   * refuses as stale what a row after that covers. Without it nothing is compared.
   */
  readonly folded?: ReadonlyMap<RealmOrdinal, FoldedLog>
}

export type ConflictWhat =
  | 'token-exists'
  | 'token-missing'
  | 'consumed'
  | 'record-changed'
  | 'key-taken'
  | 'expiring-exists'

/**
 * What became of a write in the store. `firstSeq` is the seq of its first row, or of the head when it has none.
 */
export type WriteOutcome =
  | { readonly kind: 'applied'; readonly firstSeq: number }
  | { readonly kind: 'conflict'; readonly what: ConflictWhat }
  /** Another process has written something since that may cover it. */
  | { readonly kind: 'stale' }

export type GroupOutcome = {
  readonly outcomes: readonly WriteOutcome[]
  /** Heads of the realms that the group wrote rows to. */
  readonly heads: ReadonlyMap<RealmOrdinal, LogHead>
  /** The time of the rows that the group wrote to a realm, if the store's clock gave it. */
  readonly timesMs?: ReadonlyMap<RealmOrdinal, number>
  /** Milliseconds that the disk was waited for, if the store knows. */
  readonly syncMs?: number
  /** Rows of other processes after what the group was judged by, the first of them at least; read the rest from the store. */
  readonly missed?: ReadonlyMap<RealmOrdinal, readonly ChainedLogRow[]>
  /** Realms whose log is not the one that was folded, or that is marked so: they take no writes. */
  readonly forked?: readonly RealmOrdinal[]
}

/** Whether a write ends or suspends something: such writes go first and have their own commit queue. */
export function revokes(write: Write): boolean {
  return write.operations.some((operation) => {
    if (operation.kind !== 'append') return false
    const { rule } = operation.row
    return traitsOf(rule).hits(rule) !== undefined
  })
}

/** `background`: one write at a time, and never in a group with revocations or while some wait. */
export type CommitQueue = 'revoke' | 'issue' | 'background'

/** The commit queue of a write. */
export function queueOf(write: Write): CommitQueue {
  if (revokes(write)) return 'revoke'
  return write.isBackground === true ? 'background' : 'issue'
}

/**
 * The owner whose share of the queue a write uses: its realm, its source there, its caller there. The caller is the first
 * dependency; a write without one is the server's own.
 */
export function sharesOf({ realm, dependsOn }: Write): SharePath {
  const caller = dependsOn[0]?.facts
  return [realm, caller?.source ?? '', caller?.client ?? caller?.subject ?? '']
}
