import type { Handle, RealmOrdinal, Source, TokenDigest, TokenRecord, TokensSought } from '@rescind/core'
import type { ChainedLogRow, LogRow } from '@rescind/core/log'
import type { ExpiringKind } from './kinds.ts'
import type { ChainChecked } from './log/log-check.ts'
import type { SoughtNames } from './log/token-names.ts'
import type {
  ExpiringEntry,
  ExpiringName,
  ForgottenToken,
  Group,
  GroupOutcome,
  LogHead,
} from './log/writes.ts'
import type { NodesPort } from './nodes/port.ts'

/** Limits how much each caller may issue; revoking is never limited. Counts what was issued, not attempts. */
export interface IssuingQuota {
  /** Seconds until this caller may issue again; 0: now. */
  waitSeconds(realm: RealmOrdinal, caller: string): number
  issued(realm: RealmOrdinal, caller: string): void
}

/** Runs a task after the waiting input was read, so that requests that arrived together are committed together. */
export type Defer = (task: () => void) => void

/** A stored directory record of a dialect. A deleted one leaves its version as a tombstone. */
export type DirectoryRecord = {
  readonly collection: string
  readonly id: string
  readonly version: number
  /** JSON text; absent when the record was deleted. */
  readonly body: string | undefined
}

export type RecordPage = { readonly records: readonly DirectoryRecord[]; readonly next: string | undefined }
export type TokenPage = { readonly records: readonly TokenRecord[]; readonly next: number | undefined }

export type ExpiringPage = { readonly entries: readonly ExpiringEntry[]; readonly next: string | undefined }

export type Consumption = { readonly handle: Handle; readonly sealed: Uint8Array | undefined }

/**
 * Look-ups by key that an embedded store answers without a promise, as of the last commit.
 * Every method throws StoreUnavailable when it cannot know the answer.
 */
export interface KeyedReads {
  tokenByDigest(realm: RealmOrdinal, digest: TokenDigest): TokenRecord | undefined
  tokenByHandle(realm: RealmOrdinal, handle: Handle): TokenRecord | undefined
  consumption(realm: RealmOrdinal, handle: Handle): Consumption | undefined
  record(realm: RealmOrdinal, collection: string, id: string): DirectoryRecord | undefined
  recordByKey(realm: RealmOrdinal, key: RecordKeyAsk): DirectoryRecord | undefined
}

/** Look-ups of one token each. */
export type TokenReads = Pick<Store, 'tokenByDigest' | 'tokenByHandle' | 'consumption'>

/**
 * The store. Keyed reads see everything committed before they began.
 * Every promise rejects with StoreUnavailable when the answer cannot be known.
 */
export interface Store {
  /**
   * The same look-ups without a promise, if this store can answer them so now. Hot paths try these first and fall back to
   * the others. Get it anew for each use.
   */
  readonly keyed: KeyedReads | undefined
  /** The same look-ups for requests that end tokens: however many other reads wait, these wait for none of them. */
  readonly urgent: TokenReads
  /**
   * Whether other processes may write to it, too. Then a group says what it was judged by, the store refuses what is stale
   * by then, and the rows of others are followed.
   */
  readonly isShared: boolean
  /** The processes of a shared store. A server joins them before it reads anything else. */
  readonly nodes: NodesPort | undefined
  /**
   * The durable time below which everything that expires is over, whatever the clock says. Groups raise it, also those of
   * other nodes. It never falls, so an old value is at worst too low.
   */
  floor(): Promise<number>
  /**
   * Makes a group durable by one flush; outcomes are in the order of the writes. A rejected promise means that the outcome is
   * unknown: acknowledge nothing before `reopen` has succeeded and the log was read again.
   */
  commit(group: Group): Promise<GroupOutcome>
  /**
   * Removes ended tokens and expired entries of a realm beside the groups, so that no group waits for it. Those that are no
   * longer as named stay, and none of it has to be durable. Undefined: they are removed by writes.
   */
  readonly sweep: ((realm: RealmOrdinal, gone: Swept) => Promise<void>) | undefined
  /** Of a shared store: tells all processes that a log is proved to be rolled back. A new epoch ends that. */
  markForked?(realm: RealmOrdinal): Promise<void>
  /** Reopens the store from disk after a failed flush. */
  reopen(): Promise<void>

  tokenByDigest(realm: RealmOrdinal, digest: TokenDigest): Promise<TokenRecord | undefined>
  tokenByHandle(realm: RealmOrdinal, handle: Handle): Promise<TokenRecord | undefined>
  /**
   * Tokens of one client, oldest first, at most `limit` (≤ 1,000), after the place that an earlier page gave. A page is a
   * bounded amount of work: it may be short or empty and still have a next one. For sources whose clients their own dialect
   * lists, `next` is there only if there are more.
   */
  tokensOfClient(realm: RealmOrdinal, ask: ClientTokensAsk): Promise<TokenPage>
  /**
   * Tokens of a realm that match, oldest first, at most `limit` (≤ 1,000). A page is a bounded amount of work, whatever the
   * store holds: it may be short or empty and still have a next one.
   */
  tokens(realm: RealmOrdinal, ask: TokensAsk): Promise<TokenPage>
  /**
   * Tokens that match by their names (`bearsNames`), as `tokens` gives them, and by the same places; but by an index, so that
   * the work depends on how many bear a name. Undefined: the index is not ready, or too many bear it.
   */
  tokensNamed(realm: RealmOrdinal, ask: NamedTokensAsk): Promise<TokenPage | undefined>
  /**
   * Per source, the highest expiry that a token was ever put with or extended to, rounded up to a day (`expiryCeiling`). It
   * only rises, even when tokens are forgotten.
   */
  highestExpiries(realm: RealmOrdinal): Promise<ReadonlyMap<Source, number>>
  /** The consumption of a single-use token; always from the primary. */
  consumption(realm: RealmOrdinal, handle: Handle): Promise<Consumption | undefined>
  /** Which of these single-use tokens, at most 1,000, are consumed; always from the primary. */
  consumed(realm: RealmOrdinal, handles: readonly Handle[]): Promise<ReadonlySet<string>>
  /** Whether this digest is the tombstone of a revoked assigned text. */
  isTombstone(realm: RealmOrdinal, digest: TokenDigest): Promise<boolean>
  /** How many tombstones a source has; counting stops at `limit` (≤ 1,000,000). */
  tombstones(realm: RealmOrdinal, ask: TombstonesAsk): Promise<number>

  record(realm: RealmOrdinal, collection: string, id: string): Promise<DirectoryRecord | undefined>
  recordByKey(realm: RealmOrdinal, key: RecordKeyAsk): Promise<DirectoryRecord | undefined>
  /**
   * Live records of a collection by id, at most `limit` (≤ 1,000), after an id that an earlier page gave. Here and below a
   * page may be short and still have a next one.
   */
  records(realm: RealmOrdinal, ask: RecordsAsk): Promise<RecordPage>

  /** How many live records have ids between two, counted up to `limit` (≤ 1,000), and the last id counted. */
  recordsCounted(realm: RealmOrdinal, ask: RecordsCountedAsk): Promise<RecordsCounted>

  /** Live records listed under a name and value, by id, at most `limit` (≤ 1,000). */
  recordsListed(realm: RealmOrdinal, ask: RecordsListedAsk): Promise<RecordPage>

  /** An expiring entry that was not collected yet, expired or not; always from the primary. */
  expiring(realm: RealmOrdinal, name: ExpiringName): Promise<ExpiringEntry | undefined>
  /** Expiring entries of a kind by id, at most `limit` (≤ 1,000). */
  expiringPage(realm: RealmOrdinal, ask: ExpiringAsk): Promise<ExpiringPage>
  /** Expiring entries of all realms that ended at or below a time, by their end, `after` one of them; at most `limit` (≤ 1,000). */
  expiredEntries(belowMs: number, limit: number, after?: ExpiredPlace): Promise<readonly ExpiredEntry[]>

  head(realm: RealmOrdinal): Promise<LogHead>
  /** The end of the trimmed part: rows up to here are gone. Seq 0: nothing was trimmed. */
  anchor(realm: RealmOrdinal): Promise<LogHead>
  /** Kept rows from before the anchor, seq > `after`, in order, at most `limit` (≤ 1,000). */
  keptRows(realm: RealmOrdinal, after: number, limit: number): Promise<readonly LogRow[]>
  /** Rows with seq > `after` that were not trimmed, in order, at most `limit`. */
  rowsAfter(realm: RealmOrdinal, after: number, limit: number): Promise<readonly LogRow[]>
  /**
   * Checks the rows with seq > `after`, at most `limit`, against the chain value at `after`: whether they are as they were
   * written. `through`: the last intact one.
   */
  checkRows(realm: RealmOrdinal, after: number, limit: number): Promise<ChainChecked>
  /** Rows as from `rowsAfter`, with what their chain needs; the feed sends them to returning readers. */
  chainedRowsAfter(realm: RealmOrdinal, after: number, limit: number): Promise<readonly ChainedLogRow[]>
  /**
   * Reports the rows of a realm's log with seq > `after`, existing and new ones, from whichever process commits them. It calls
   * `told` for one batch at a time, and reads no further until that promise settles; it must not reject. While the store
   * cannot be read, nothing is reported; it goes on where it was.
   * @returns a function that ends the watch; `told` is not called after it.
   */
  watch(realm: RealmOrdinal, after: number, told: (watched: Watched) => Promise<void>): () => void

  /**
   * Tokens of all realms that expire at or below a time, by expiry, `after` one of them; at most `limit` (≤ 1,000). GC
   * works through these. Unreadable ones are included, so that GC can skip them.
   */
  expiredTokens(belowMs: number, limit: number, after?: ExpiredPlace): Promise<readonly ExpiredToken[]>
  /**
   * Tokens of some sources of a realm that expire after a place and at or below a time, by expiry. A page looks at no more
   * than `limit` (≤ 1,000) tokens, matching or not: it may be empty and still have a next one.
   */
  tokensEnding(realm: RealmOrdinal, ask: EndingAsk): Promise<EndingPage>
  close(): Promise<void>
}

/** Ended tokens that leave no tombstone, and expired entries. */
export type Swept = {
  readonly tokens: readonly Omit<ForgottenToken, 'tombstone' | 'source'>[]
  readonly entries: readonly (ExpiringName & { readonly ifExpiresAtMs?: number })[]
}

/** What a watch reports. It continues only after `rows`. */
export type Watched =
  /** The next rows, in order and without a gap, at most 1,000. */
  | { readonly kind: 'rows'; readonly rows: readonly ChainedLogRow[] }
  /** The next rows were trimmed: read the realm's log from its beginning. */
  | { readonly kind: 'trimmed'; readonly anchor: LogHead }

export type ClientTokensAsk = {
  readonly source: string
  readonly client: string
  readonly after: number | undefined
  readonly limit: number
}
export type NamedTokensAsk = SoughtNames & { readonly after: number | undefined; readonly limit: number }
/** How far a reader of tokens by expiry has come: past this millisecond, or within it, after a key that a page gave. */
export type EndingCursor = { readonly endMs: number; readonly key?: string }
export type EndingAsk = {
  readonly sources: readonly string[]
  readonly after: EndingCursor
  readonly untilMs: number
  readonly limit: number
}
export type EndingPage = { readonly records: readonly TokenRecord[]; readonly next: EndingCursor | undefined }
export type TombstonesAsk = { readonly source: string; readonly limit: number }
export type RecordKeyAsk = { readonly collection: string; readonly name: string; readonly value: string }
export type RecordsAsk = {
  readonly collection: string
  readonly after: string | undefined
  readonly limit: number
}
export type RecordsCountedAsk = {
  readonly collection: string
  /** Both bounds are excluded. */
  readonly after: string
  readonly below: string
  readonly limit: number
}
export type RecordsCounted = { readonly count: number; readonly last: string | undefined }
export type RecordsListedAsk = RecordsAsk & { readonly name: string; readonly value: string }
export type TokensAsk = TokensSought & { readonly after: number | undefined; readonly limit: number }
export type ExpiringAsk = {
  readonly kind: ExpiringKind
  readonly after: string | undefined
  readonly limit: number
}
/** Where something stands among what has expired; only its store reads it. */
export type ExpiredPlace = string
export type ExpiredEntry = {
  readonly realm: RealmOrdinal
  readonly entry: ExpiringEntry
  readonly place: ExpiredPlace
}
/** `record` is undefined if it cannot be read; `digest` is then whatever is stored in its place. */
export type ExpiredToken = {
  readonly realm: RealmOrdinal
  readonly digest: string
  readonly record: TokenRecord | undefined
  readonly place: ExpiredPlace
}
