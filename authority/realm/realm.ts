import {
  CLOCK_STEP_MS,
  type Clock,
  isWholeRecord,
  judge,
  KEEP_FOREVER_MS,
  type Lag,
  NotReadable,
  type Position,
  type Principals,
  type Random,
  type RealmName,
  type RealmOrdinal,
  type RevocationIndex,
  type Source,
  type Spent,
  type TokenDigest,
  type TokenFacts,
  type TokenRecord,
  UNKNOWN_TOKEN,
  type Verdict,
  withWholeAncestors,
} from '@rescind/core'
import { secretDigest } from '@rescind/core/bytes'
import { encodeRule, type LogRow, type RevokeRule, type Rule } from '@rescind/core/log'
import { type RawToken, SINGLE_USE, type TokenKind } from '@rescind/core/tokens'
import { type Awaitable, after } from '../awaitable.ts'
import { Directory, type RecordWatch } from '../directory/directory.ts'
import { STRANGE } from '../directory/stored-json.ts'
import { Keyring } from '../keys/signing-keys.ts'
import type { Ledger } from '../log/ledger.ts'
import type { Outcome } from '../log/ledger-parts.ts'
import { settledHead } from '../log/settled-head.ts'
import type { LogHead, NewRow, Write } from '../log/writes.ts'
import type { IssuingQuota, Store, Swept, TokenReads } from '../ports.ts'
import { Acceptances, type Accepted, type Acceptor } from './acceptances.ts'
import type { Disorder, Unreadable } from './disorder.ts'
import { ANY_MINTING, type Minting } from './minting.ts'
import type { RealmKeys } from './realm-keys.ts'
import { Lifetimes } from './realm-settings.ts'
import { RecordCache } from './record-cache.ts'
import { SignedTokens } from './signed-tokens.ts'
import { type Prefixes, TokenGrammar } from './token-text.ts'

/** A caller as the log names it, and what its rights depend on. */
export type Caller = {
  /** `oauth:svc`, `chat:acme`, `identity:77`, `control:ops`: the audit's "who". */
  readonly id: string
  /** Its name, if the id does not contain it: the audit can still name a key that was deleted. */
  readonly name?: string
  /** The person that its key belongs to, if it belongs to one. */
  readonly owner?: string
  /** Network address of the peer: the audit's "from where". */
  readonly from: string
  /** Once a rule hits this, what the caller does next is stale. */
  readonly dependency: { readonly realm: RealmOrdinal; readonly facts: TokenFacts }
}

/** Facts of a caller without a token: a rule over these principals that is written after `judgedAt` ends its rights. */
export function callerFacts(principals: Principals, judgedAt: Position): TokenFacts {
  return { ...principals, ancestors: [], position: judgedAt, expiresAtMs: Number.MAX_SAFE_INTEGER }
}

/** The caller as the audit stores it. */
export function whoOf({
  id,
  name,
  owner,
  from,
}: Pick<Caller, 'id' | 'name' | 'owner' | 'from'>): Pick<Audit, 'by' | 'byName' | 'byOwner' | 'from'> {
  if (name === undefined) return { by: id, from }
  return owner === undefined ? { by: id, byName: name, from } : { by: id, byName: name, byOwner: owner, from }
}

export type Audit = {
  readonly by: string
  /** The name of a control key at the time. */
  readonly byName?: string
  /** The owner of that key. */
  readonly byOwner?: string
  readonly from: string
  readonly how: string
  readonly why?: string
  /** The reason for machines: a code, with the public ids and times that belong to it. */
  readonly cause?: Cause
  readonly note?: string
  /** For rules over foreign tokens: a new login within this time may be hit, because the issuer's clock may differ. */
  readonly skewSeconds?: number
  /** The key under which a retry of the same request finds this row. */
  readonly once?: string
  /** For a request with several rows: the number of this row, and how many there are. */
  readonly part?: readonly [nth: number, of: number]
}

/** Never holds token text: only handles, grants and instants. */
export type Cause = { readonly code: string } & Readonly<Record<string, string>>

type Ask = { readonly source: Source | undefined; readonly reads: TokenReads }

export type Found = {
  readonly verdict: Verdict
  readonly record: TokenRecord | undefined
  /**
   * For a JWS: the record of the same token in another spelling. This spelling was never verified, so it opens nothing, but it
   * is enough to name the token in order to end it.
   */
  readonly respelled?: TokenRecord
}

/** Finds this server's credentials in free text, and replaces them by their handles. */
export type FreeText = (realm: Realm, text: string, chosenBy: Source | undefined) => Promise<string>

/** The shortest text that can hold a credential of ours, or chosen text that is worth protecting. */
const CREDENTIAL_MIN_CHARS = 16

export type RealmParts = {
  readonly name: RealmName
  readonly ordinal: RealmOrdinal
  readonly keys: RealmKeys
  readonly index: RevocationIndex
  readonly ledger: Ledger
  readonly store: Store
  readonly clock: Clock
  readonly random: Random
  /** Absent: callers have no quota. */
  readonly quota?: IssuingQuota | undefined
  readonly freeText?: FreeText | undefined
  /** Absent: all kinds may be minted. */
  readonly minting?: Minting | undefined
  readonly disorder?: Disorder
  /** See `Realm.settling`. */
  readonly settling?: () => Promise<void> | undefined
}

/**
 * An open realm: its index, its directory, its keys. Every dialect reads and writes tokens only through it. It decides a
 * token's state, and leaves the wire format to the dialect.
 */
export class Realm {
  readonly name: RealmName
  readonly ordinal: RealmOrdinal
  readonly keys: RealmKeys
  readonly index: RevocationIndex
  readonly directory: Directory
  readonly random: Random
  readonly store: Store
  readonly keyring: Keyring
  readonly minting: Minting
  #grammar: TokenGrammar
  #closed = false
  readonly #signed: SignedTokens
  readonly lifetimes: Lifetimes = new Lifetimes()
  readonly acceptances: Acceptances = new Acceptances()
  readonly #ledger: Ledger
  readonly #clock: Clock
  readonly #quota: IssuingQuota | undefined
  readonly #freeText: FreeText | undefined
  readonly #disorder: Disorder | undefined
  readonly #settling: (() => Promise<void> | undefined) | undefined
  readonly #records: RecordCache
  #judgedMs = 0
  #lastAudit: (Pick<Audit, 'by' | 'from' | 'how'> & { readonly text: string }) | undefined

  constructor(parts: RealmParts) {
    this.name = parts.name
    this.ordinal = parts.ordinal
    this.keys = parts.keys
    this.index = parts.index
    this.random = parts.random
    this.store = parts.store
    this.#records = new RecordCache(parts.store.isShared)
    this.#ledger = parts.ledger
    this.#clock = parts.clock
    this.#quota = parts.quota
    this.#freeText = parts.freeText
    this.minting = parts.minting ?? ANY_MINTING
    this.#grammar = new TokenGrammar({ minted: this.minting.prefixes })
    this.#disorder = parts.disorder
    this.#settling = parts.settling
    this.directory = new Directory(parts.store, parts.ordinal, recordWatch(parts))
    this.keyring = new Keyring({ directory: this.directory, keys: parts.keys, realm: parts.name })
    this.#signed = new SignedTokens(this.keyring, parts.keys.digestKey)
    parts.ledger.onRowOf(this.ordinal, (row) => this.directory.onRow(row))
  }

  /** Reports that part of this realm's data cannot be read. */
  unreadable(found: Omit<Unreadable, 'realm'>): void {
    this.#disorder?.note({ realm: this.name, ...found })
  }

  /**
   * Free text as it may be stored: credentials in it are replaced. Assigned text is recognised only if `chosenBy` assigned it,
   * because callers must not learn what others chose. @throws StoreUnavailable
   */
  async keptText(text: string, chosenBy?: Source): Promise<string> {
    return text.length < CREDENTIAL_MIN_CHARS ? text : (this.#freeText?.(this, text, chosenBy) ?? text)
  }

  /** See `settledHead`. @throws StoreUnavailable. */
  settledHead(): Promise<LogHead> {
    return settledHead({ store: this.store, ledger: this.#ledger }, this.ordinal)
  }

  /** The prefixes and form of this realm's tokens. */
  get grammar(): TokenGrammar {
    return this.#grammar
  }

  /** Whether the realm was disabled or deleted: it is not served, and mints nothing. */
  get isClosed(): boolean {
    return this.#closed
  }

  /**
   * Await it before anything is minted: it resolves once the realm's state and settings, which another process has changed,
   * are read again. Undefined: they are as known.
   */
  get settling(): Promise<void> | undefined {
    return this.#settling?.()
  }

  setClosed(closed: boolean): void {
    this.#closed = closed
  }

  /** The realm mints with its own prefixes from now on; text with former ones is still recognised. */
  usePrefixes(own: Partial<Prefixes>, former: readonly string[]): void {
    this.#grammar = new TokenGrammar({ own, former, minted: this.minting.prefixes })
  }

  /** What is stored of a secret, and what a presented secret is looked up by. */
  secretDigest(secret: string): string {
    return secretDigest(this.keys.digestKey, secret)
  }

  /** Milliseconds since 1970; never before the floor, so that what was seen expired stays expired. */
  nowMs(): number {
    return Math.max(this.#clock.wallMs(), this.index.floorMs)
  }

  /** The store's floor, as last seen by this process. */
  get durableFloorMs(): number {
    return this.#ledger.durableFloorMs
  }

  /** Whether the wall clock is behind times already seen by the store, so that the real time is unknown. */
  get isClockBehind(): boolean {
    return this.#clock.wallMs() < this.index.floorMs - CLOCK_STEP_MS
  }

  /** Seconds until this caller may issue again; 0: now. */
  issuingWaitSeconds({ id }: Caller): number {
    return this.#quota?.waitSeconds(this.ordinal, id) ?? 0
  }

  /** Counts one issue against the caller's quota. */
  noteIssued({ id }: Caller): void {
    this.#quota?.issued(this.ordinal, id)
  }

  /** Until when a rule of this realm's log is kept, as now known; for display. */
  keptUntilMs(row: LogRow, rule: RevokeRule): number {
    const isLifted = this.#ledger.keepingOf(this.ordinal).isLifted(rule)
    return isLifted ? KEEP_FOREVER_MS : this.index.keptUntilMs(row, rule)
  }

  /** The index's position. Take it before reading anything for a request: the request's writes name it as their `judgedAt`. */
  position(): Position {
    return this.index.head
  }

  /**
   * Judges a token by its text. With a source, tokens of other sources are unknown, because a dialect answers only for its own.
   * `reads` is the store's `urgent` for a request that ends tokens.
   * @throws StoreUnavailable when the record cannot be read; that is never an answer.
   */
  find(raw: RawToken, source?: Source, reads: TokenReads = this.store): Awaitable<Found> {
    const digest = raw.digest(this.keys.digestKey)
    const cached = this.#records.get(digest)
    const ask = { source, reads }
    if (cached !== undefined) return this.#judged(cached, ask)
    if (!raw.looksSigned) return this.#bySignature(raw, digest, ask)
    if (source !== undefined && source !== 'oauth') return this.#bySignature(raw, digest, ask)
    // One of our own JWTs is known by its `jti`.
    return after(this.#signed.resolve(raw, digest), (own) => {
      return own === undefined ? this.#bySignature(raw, digest, ask) : this.#read(own, ask)
    })
  }

  /** Finds a token by every spelling of its text, in order to end it; never enough to let it in. */
  findToEnd(raw: RawToken, source?: Source): Awaitable<Found> {
    return after(this.find(raw, source, this.store.urgent), (found) =>
      found.respelled === undefined
        ? found
        : { verdict: this.judge(found.respelled), record: found.respelled },
    )
  }

  /** Looks it up by its name first; then by its bytes, as for JWTs minted here and for old records. */
  #bySignature(raw: RawToken, digest: TokenDigest, ask: Ask): Awaitable<Found> {
    if (!raw.isKnownByName) return this.#read(digest, ask)
    return after(this.#record(raw.knownBy(this.keys.digestKey), ask.reads), (record) =>
      record === undefined ? this.#read(digest, ask) : this.#spelled(record, digest, ask),
    )
  }

  #spelled(record: TokenRecord, digest: TokenDigest, ask: Ask): Awaitable<Found> {
    if (ask.source !== undefined && record.source !== ask.source) return this.#notFound
    if (record.spelling === digest) return this.#judged(record, ask)
    const verdict = this.judge(record)
    return {
      verdict: verdict.kind === 'active' ? UNKNOWN_TOKEN : verdict,
      record: undefined,
      respelled: record,
    }
  }

  #read(digest: TokenDigest, ask: Ask): Awaitable<Found> {
    return after(this.#record(digest, ask.reads), (record) => this.#judged(record, ask))
  }

  #record(digest: TokenDigest, reads: TokenReads): Awaitable<TokenRecord | undefined> {
    const cached = this.#records.get(digest)
    if (cached !== undefined) return cached
    const changes = this.#records.changes
    return after(this.#stored(digest, reads), (stored) =>
      after(stored === undefined || isWholeRecord(stored) ? stored : this.whole(stored), (record) => {
        if (record !== undefined) this.#records.fill(record, changes)
        return record
      }),
    )
  }

  #stored(digest: TokenDigest, reads: TokenReads): Awaitable<TokenRecord | undefined> {
    const { keyed } = this.store
    if (keyed === undefined) return this.#awaited(digest, reads)
    try {
      return keyed.tokenByDigest(this.ordinal, digest)
    } catch (error) {
      this.#noteUnreadable(error, digest)
      throw error
    }
  }

  async #awaited(digest: TokenDigest, reads: TokenReads): Promise<TokenRecord | undefined> {
    try {
      return await reads.tokenByDigest(this.ordinal, digest)
    } catch (error) {
      this.#noteUnreadable(error, digest)
      throw error
    }
  }

  #noteUnreadable(error: unknown, digest: TokenDigest): void {
    if (error instanceof NotReadable)
      this.unreadable({ what: 'token', name: `tokens/${digest}`, why: STRANGE })
  }

  /** A record ready for judging: ancestors that were stored with fewer ids are completed. */
  async whole(record: TokenRecord): Promise<TokenRecord> {
    return withWholeAncestors(record, (handle) => this.store.tokenByHandle(this.ordinal, handle))
  }

  /** Judges facts found by other means. Call it after the last await. */
  judge(facts: TokenFacts): Verdict {
    return judge({ facts, index: this.index, nowMs: this.#judgingMs(), lag: this.#lag() })
  }

  /** Notes that a token just judged was also accepted. @param acceptor absent: the dialect of its source. */
  accepted(token: Accepted, acceptor: Acceptor = { by: 'dialect', name: token.source }): void {
    this.acceptances.accepted(acceptor, token, this.#acceptedMs())
  }

  /** The same for a registered issuer's token. */
  acceptedForeign(facts: TokenFacts, acceptor: Acceptor): void {
    this.acceptances.acceptedForeign(acceptor, facts, this.#acceptedMs())
  }

  #judgingMs(): number {
    this.#judgedMs = this.#clock.wallMs()
    return this.#judgedMs
  }

  /** The time of the last judgement: uses are kept to the minute, so reading the clock again is not worth it. */
  #acceptedMs(): number {
    return Math.max(this.#judgedMs, this.index.floorMs)
  }

  row(rule: Rule, audit: Audit): NewRow {
    return {
      atMs: this.nowMs(),
      rule,
      bytes: encodeRule(rule, this.keys.digestKey),
      audit: this.#textOf(audit),
    }
  }

  /** A cache of one: under load most rows have the same caller and method, and so the same audit text. */
  #textOf(audit: Audit): string {
    if (!isPlain(audit)) return JSON.stringify(audit)
    const { by, from, how } = audit
    const last = this.#lastAudit
    if (last !== undefined && by === last.by && from === last.from && how === last.how) return last.text
    const text = JSON.stringify({ by, from, how })
    this.#lastAudit = { by, from, how, text }
    return text
  }

  /** Drops cached records that the write changed. @throws StoreUnavailable or Overloaded. */
  commit(write: Write): Promise<Outcome> {
    return this.#ledger.commit(write, (outcome) => {
      // Also for an unknown outcome.
      this.#dropChanged(write)
      if (outcome?.kind === 'applied') this.#keepIssued(write)
    })
  }

  /** Removes what has ended beside the groups; see `Store.sweep`. */
  async sweep(gone: Swept): Promise<void> {
    await this.store.sweep?.(this.ordinal, gone)
    for (const { digest } of gone.tokens) this.#records.drop(digest)
  }

  /** Caches new tokens, because most are asked about soon after they are issued. */
  #keepIssued(write: Write): void {
    for (const operation of write.operations) {
      if (operation.kind === 'put-token') this.#records.fill(operation.record, this.#records.changes)
    }
  }

  #dropChanged(write: Write): void {
    for (const operation of write.operations) {
      if (operation.kind === 'extend-token') this.#records.drop(operation.digest)
      if (operation.kind === 'forget-token') this.#records.drop(operation.token.digest)
    }
  }

  #judged(record: TokenRecord | undefined, { source, reads: awaited }: Ask): Awaitable<Found> {
    if (record === undefined || (source !== undefined && record.source !== source)) return this.#notFound
    if (!SINGLE_USE.has(record.kind)) return { verdict: this.judge(record), record }
    const reads = this.store.keyed ?? awaited
    return after(reads.consumption(this.ordinal, record.handle), (consumption) => {
      const spent: Spent | undefined =
        consumption === undefined ? undefined : (SPENT_AS[record.kind] ?? 'consumed')
      const question = {
        facts: record,
        index: this.index,
        nowMs: this.#judgingMs(),
        lag: this.#lag(),
        spent,
      }
      return { verdict: judge(question), record }
    })
  }

  /** A log that was rolled back or cannot be read to its end may lack the token, so "unknown token" would be a guess. */
  get #notFound(): Found {
    return this.#lag() === 'fresh' ? NOT_FOUND : NOT_KNOWN
  }

  /**
   * A request is judged only after this process has folded what was acknowledged before it, so the index is never behind,
   * unless the log was rolled back or cannot be read.
   */
  #lag(): Lag {
    return this.#ledger.isSuspended(this.ordinal) ? 'stale' : 'fresh'
  }
}

function recordWatch({ name: realm, disorder }: RealmParts): RecordWatch | undefined {
  if (disorder === undefined) return undefined
  return {
    unreadable: (name, why) => disorder.note({ realm, what: 'record', name, why }),
    written: (name) => disorder.mended({ realm, what: 'record', name }),
  }
}

/** Whether the audit has only who, from where and how. */
function isPlain({ byName, why, cause, note, skewSeconds, once, part }: Audit): boolean {
  return (byName ?? why ?? cause ?? note ?? skewSeconds ?? once ?? part) === undefined
}

const SPENT_AS: Partial<Record<TokenKind, Spent>> = { refresh: 'rotated' }

const NOT_FOUND: Found = { verdict: UNKNOWN_TOKEN, record: undefined }
const NOT_KNOWN: Found = { verdict: { kind: 'unknown', why: 'stale' }, record: undefined }
