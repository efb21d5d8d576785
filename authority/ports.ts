import type {
  Handle,
  RealmOrdinal,
  Source,
  StoreUnavailable,
  TokenDigest,
  TokenRecord,
  TokensSought,
} from '@rescind/core'
import type { ChainedLogRow, LogRow } from '@rescind/core/log'
import type { ExpiringKind } from './kinds.ts'
import type { ChainChecked } from './log/log-check.ts'
import type { ExpiringEntry, ExpiringName, Group, GroupOutcome, LogHead } from './log/writes.ts'

/** How much each caller may issue; never asked about revoking. Counts what was issued, not what was tried. */
export interface IssuingQuota {
  /** Seconds until this caller may issue again; 0: now. */
  waitSeconds(realm: RealmOrdinal, caller: string): number
  issued(realm: RealmOrdinal, caller: string): void
}

/** Runs a task after the input that is waiting now was read: what arrived together is committed together. */
export type Defer = (task: () => void) => void

/** A typed record of the directory: what dialects keep. A deleted one leaves its version as a tombstone. */
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
 * Look-ups by key that an embedded store answers without a promise, from what was committed last.
 * Every method throws StoreUnavailable when the answer cannot be known.
 */
export interface KeyedReads {
  tokenByDigest(realm: RealmOrdinal, digest: TokenDigest): TokenRecord | undefined
  tokenByHandle(realm: RealmOrdinal, handle: Handle): TokenRecord | undefined
  consumption(realm: RealmOrdinal, handle: Handle): Consumption | undefined
  record(realm: RealmOrdinal, collection: string, id: string): DirectoryRecord | undefined
  recordByKey(realm: RealmOrdinal, key: RecordKeyAsk): DirectoryRecord | undefined
}

/**
 * The memory. Keyed reads see everything committed before they began.
 * Every promise rejects with StoreUnavailable when the answer cannot be known.
 */
export interface Store {
  /**
   * The same look-ups without a promise, while this store can answer them so: a hot path asks these first, and awaits the
   * others when there are none. Ask for it anew each time.
   */
  readonly keyed: KeyedReads | undefined
  /**
   * The durable time below which whatever expires is over, whatever the clock says. Groups raise it, those of other nodes
   * too; it never falls, so that what was learned earlier is only too low.
   */
  floor(): Promise<number>
  /**
   * Makes a group durable by one flush; outcomes in the order of the writes. A rejected promise means that the outcome
   * is not known: nothing may be acknowledged before `reopen` has succeeded and the log was read again.
   */
  commit(group: Group): Promise<GroupOutcome>
  /** Opens the store again from disk after a failed flush. */
  reopen(): Promise<void>

  tokenByDigest(realm: RealmOrdinal, digest: TokenDigest): Promise<TokenRecord | undefined>
  tokenByHandle(realm: RealmOrdinal, handle: Handle): Promise<TokenRecord | undefined>
  /**
   * Tokens of one client, oldest first, at most `limit` (≤ 1,000), after a place that an earlier page gave. One page is a
   * bounded piece of work: it may be short, or empty, and still have a next one. Of a source whose clients are listed by
   * their own dialect, `next` is there only when there are more.
   */
  tokensOfClient(realm: RealmOrdinal, ask: ClientTokensAsk): Promise<TokenPage>
  /**
   * Tokens of a realm that are looked for, oldest first, at most `limit` (≤ 1,000). One page is a bounded piece of work,
   * whatever the store holds: it may be short, or empty, and still have a next one.
   */
  tokens(realm: RealmOrdinal, ask: TokensAsk): Promise<TokenPage>
  /**
   * The highest expiry that a token of each source was ever put with or extended to, rounded up to a day
   * (`expiryCeiling`); it only rises, whatever is forgotten.
   */
  highestExpiries(realm: RealmOrdinal): Promise<ReadonlyMap<Source, number>>
  /** The consumption of a single-use token; always from the primary. */
  consumption(realm: RealmOrdinal, handle: Handle): Promise<Consumption | undefined>
  /** Whether this digest stands as the tombstone of an assigned text that was revoked. */
  isTombstone(realm: RealmOrdinal, digest: TokenDigest): Promise<boolean>
  /** How many tombstones a source has left; counted up to `limit` (≤ 1,000,000) and no further. */
  tombstones(realm: RealmOrdinal, ask: TombstonesAsk): Promise<number>

  record(realm: RealmOrdinal, collection: string, id: string): Promise<DirectoryRecord | undefined>
  recordByKey(realm: RealmOrdinal, key: RecordKeyAsk): Promise<DirectoryRecord | undefined>
  /**
   * Live records of a collection by id, at most `limit` (≤ 1,000), after an id that an earlier page gave. Here and below a
   * page may be short and still have a next one.
   */
  records(realm: RealmOrdinal, ask: RecordsAsk): Promise<RecordPage>

  /** How many live records of a collection have ids between two, counted up to `limit` (≤ 1,000), and the last of these. */
  recordsCounted(realm: RealmOrdinal, ask: RecordsCountedAsk): Promise<RecordsCounted>

  /** Live records of a collection that are listed under a name and value, by id, at most `limit` (≤ 1,000). */
  recordsListed(realm: RealmOrdinal, ask: RecordsListedAsk): Promise<RecordPage>

  /** An expiring entry that was not collected yet, its end passed or not; always from the primary. */
  expiring(realm: RealmOrdinal, name: ExpiringName): Promise<ExpiringEntry | undefined>
  /** Expiring entries of a kind by id, at most `limit` (≤ 1,000). */
  expiringPage(realm: RealmOrdinal, ask: ExpiringAsk): Promise<ExpiringPage>
  /** Expiring entries of all realms that ended at or below a time, by their end, behind the first `skip`; at most `limit` (≤ 1,000). */
  expiredEntries(belowMs: number, limit: number, skip?: number): Promise<readonly ExpiredEntry[]>

  head(realm: RealmOrdinal): Promise<LogHead>
  /** Where the log's first rows were trimmed off: rows up to this place are gone. Seq 0: none. */
  anchor(realm: RealmOrdinal): Promise<LogHead>
  /** Rows up to the anchor whose rules were kept, seq > `after`, in order, at most `limit` (≤ 1,000). */
  keptRows(realm: RealmOrdinal, after: number, limit: number): Promise<readonly LogRow[]>
  /** Rows with seq > `after` that were not trimmed off, in order, at most `limit`. */
  rowsAfter(realm: RealmOrdinal, after: number, limit: number): Promise<readonly LogRow[]>
  /**
   * Checks the rows with seq > `after`, at most `limit`, against the chain value that stands at `after`: what was written
   * there is there still. `through`: the last one that is right.
   */
  checkRows(realm: RealmOrdinal, after: number, limit: number): Promise<ChainChecked>
  /** Rows as `rowsAfter` gives them, each with what its chain is checked by: what the feed sends to those who come back. */
  chainedRowsAfter(realm: RealmOrdinal, after: number, limit: number): Promise<readonly ChainedLogRow[]>
  /**
   * Tells of the rows of a realm's log with seq > `after`: those that stand there, and those that come, whichever process
   * commits them. There is one telling at a time: until `told` has settled, which must not fail, rows stay in the store.
   * @returns what ends the watch: nothing is told after it.
   */
  watch(realm: RealmOrdinal, after: number, told: (watched: Watched) => Promise<void>): () => void

  /**
   * Tokens of all realms whose expiry is at or below a time, by their expiry, behind the first `skip`; at most `limit`
   * (≤ 1,000): what GC works off. Those that cannot be read are among them, so that it gets past them.
   */
  expiredTokens(belowMs: number, limit: number, skip?: number): Promise<readonly ExpiredToken[]>
  /**
   * Tokens of some sources of a realm whose expiry lies after a place and at or below a time, by their expiry. One page
   * looks at `limit` (≤ 1,000) tokens at most, whether they fit or not: a page may be empty and still have a next one.
   */
  tokensEnding(realm: RealmOrdinal, ask: EndingAsk): Promise<EndingPage>
  close(): Promise<void>
}

/** What a watch tells. Only after rows does it go on. */
export type Watched =
  /** The next ones, in order and without a gap, at most 1,000. */
  | { readonly kind: 'rows'; readonly rows: readonly ChainedLogRow[] }
  /** The next ones were trimmed off: what the realm's log says has to be read from its beginning. */
  | { readonly kind: 'trimmed'; readonly anchor: LogHead }
  /** The store could not be read: another watch goes on where this one ended. */
  | { readonly kind: 'failed'; readonly error: StoreUnavailable }

export type ClientTokensAsk = {
  readonly source: string
  readonly client: string
  readonly after: number | undefined
  readonly limit: number
}
/** How far a reader of tokens by expiry is: past this millisecond, or within it, behind a key that a page gave. */
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
  /** Both are excluded. */
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
export type ExpiredEntry = { readonly realm: RealmOrdinal; readonly entry: ExpiringEntry }
/** `record`: undefined for one that cannot be read; `digest` then is whatever stands in its place. */
export type ExpiredToken = {
  readonly realm: RealmOrdinal
  readonly digest: string
  readonly record: TokenRecord | undefined
}
