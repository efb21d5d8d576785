import {
  type Clock,
  type ClockReading,
  Freshness,
  isUsableKind,
  judge,
  type Lag,
  type RawToken as Raw,
  RawToken,
  Replica,
  type RevocationIndex,
  type Rule,
  type TokenDigest,
  turnsVerdicts,
} from '@rescind/core'
import { isEnded, nameOf } from './ended.ts'
import { isSingleUse, type Known, readKnown } from './facts.ts'
import { Memory } from './memory.ts'
import { type Question, Questions } from './questions.ts'
import {
  type Active,
  type CheckOptions,
  type CheckResult,
  type ConnectionState,
  type Inactive,
  inactiveFor,
  type OnStale,
  type Unknown,
  type VerifierStats,
} from './results.ts'
import { SignedTexts } from './signed.ts'
import { Follower, type Timers } from './source/follower.ts'
import type { Recalled, StateFile } from './source/state-file.ts'
import type { FeedConfig, Transport, Trouble } from './source/transport.ts'
import { Used } from './used.ts'
import { type OnRevoked, type Watch, type Known as Watched, Watches } from './watches.ts'

export type VerifierParts = {
  readonly transport: Transport
  readonly clock: Clock
  readonly timers: Timers
  readonly chance: () => number
  readonly boundMs: number
  readonly onStale: OnStale
  readonly onState: ((state: ConnectionState, trouble: Trouble | undefined) => void) | undefined
  readonly stateFile: StateFile | undefined
}

/** `ready` was not in time. `trouble` says why, where anything has gone wrong. */
export class NotReady extends Error {
  readonly trouble: Trouble | undefined

  constructor(message: string, trouble: Trouble | undefined) {
    super(trouble === undefined ? message : `${message} (${trouble.kind}: ${trouble.message})`)
    this.name = 'NotReady'
    this.trouble = trouble
  }
}

/** How often rules whose time is over leave the index; one slice of 64 at a time. */
const SWEEP_MS = 30_000
/** How often those who wait for a verdict to turn are told that nobody can say any more. */
const WATCH_MS = 100

/** Questions about watched tokens that were not answered, asked again at each such time. */
const ASKED_AGAIN_MAX = 16

const RANK: Readonly<Record<OnStale, number>> = { refuse: 0, ask: 1, allow: 2 }
const MALFORMED: Inactive = inactiveFor('malformed')
const REVOKED: Inactive = inactiveFor('revoked')
const EXPIRED: Inactive = inactiveFor('expired')
const NOT_YET_VALID: Inactive = inactiveFor('not_yet_valid')
const NOT_ACCESS: Inactive = inactiveFor('not_access')
const STARTING: Unknown = { kind: 'unknown', why: 'starting' }
const STALE: Unknown = { kind: 'unknown', why: 'stale' }
const UNSEEN: Unknown = { kind: 'unknown', why: 'unseen' }
/** What is remembered of a token, and what the index said of it when that last changed. */
export type Seen = Known & {
  /** Proven by a signature that was checked here, so that a change of keys means to look again. */
  readonly signed: boolean
  /** Whether it may be presented with a request at all. */
  readonly isUsable: boolean
  /** The version of the index that `turned` is of. */
  version: number
  /** Why it is over, whatever the time; undefined: it is not. */
  turned: Inactive | undefined
  answer: Active | undefined
  usedMinute: number
}

/**
 * Judges tokens in process, against a copy of the server's revocations that is fed live. `check` is synchronous and
 * touches nothing outside; `verify` asks the server once about what `check` cannot know.
 */
export class Verifier {
  readonly #parts: VerifierParts
  readonly #replica: Replica = new Replica()
  readonly #freshness: Freshness
  readonly #follower: Follower
  readonly #signed: SignedTexts = new SignedTexts()
  readonly #seen: Memory<Seen> = new Memory()
  readonly #watches: Watches
  readonly #used: Used = new Used()
  readonly #questions: Questions
  readonly #ready: Set<() => void> = new Set()
  readonly #start: ClockReading
  #config: FeedConfig | undefined
  /** Goes up whenever a verdict may have turned. */
  #version = 1
  #checks = 0
  #slice = 0
  #stateFile: VerifierStats['stateFile']
  #cancelSweep: (() => void) | undefined
  #cancelWatch: (() => void) | undefined

  constructor(parts: VerifierParts) {
    this.#parts = parts
    this.#freshness = new Freshness(parts.boundMs)
    this.#questions = new Questions(parts.transport, parts.boundMs)
    this.#start = this.#reading()
    this.#watches = new Watches((seen) => this.#judged(seen, 'refuse'))
    this.#follower = new Follower({
      ...parts,
      replica: this.#replica,
      freshness: this.#freshness,
      onState: (state, trouble) => parts.onState?.(state, trouble),
      onConfig: (config) => this.#configured(config),
      onChange: (rules) => this.#changed(rules),
      onProof: () => this.#proved(),
      takeUsed: () => this.#used.take(),
    })
  }

  /** Begins to follow the server; what a state file has kept is known at once. */
  start(recalled: Recalled | undefined): void {
    this.#stateFile = recalled?.kind
    if (recalled?.kind === 'read') {
      this.#follower.recall(recalled.config)
      this.#replica.load(recalled.snapshot)
      this.#freshness.remember(recalled.asOfMs)
      this.#changed(undefined)
    }
    this.#follower.start()
    this.#sweepLater()
  }

  /** How this verifier stands to its server. */
  get state(): ConnectionState {
    return this.#follower.state
  }

  /** Why it does not hear from its server; undefined while it does. */
  get trouble(): Trouble | undefined {
    return this.#follower.trouble
  }

  /** Resolves when what this verifier says is fresh. @throws NotReady when it is not within the time. */
  ready(timeoutMs = 10_000): Promise<void> {
    if (this.#lag() === 'fresh') return Promise.resolve()
    return new Promise((resolve, reject) => {
      const done = (): void => {
        cancel()
        this.#ready.delete(done)
        resolve()
      }
      const cancel = this.#parts.timers.after(timeoutMs, () => {
        this.#ready.delete(done)
        reject(new NotReady(`not ready within ${timeoutMs} ms: ${this.state}`, this.trouble))
      })
      this.#ready.add(done)
    })
  }

  /** Judges a token by what is known here. Synchronous; no I/O. */
  check(token: string, options?: CheckOptions): CheckResult {
    this.#checks += 1
    const seen = this.#remembered(token) ?? this.#look(token)
    if (!('facts' in seen)) return seen
    return this.#used.noted(seen, this.#judged(seen, this.#policy(options)))
  }

  /** As `check`; what it cannot know, the server is asked about, once. */
  async verify(token: string, options?: CheckOptions): Promise<CheckResult> {
    const result = this.check(token, options)
    const raw = RawToken.parse(token)
    if (raw === undefined || !this.#isToBeAsked(result, raw, options)) return result
    const { index } = this.#replica
    const now = { sent: this.#reading(), lagThen: this.#lag() }
    const question = this.#questions.about(raw, index && raw.digest(index.digestKey), now)
    if (question === undefined) return result
    const answered = await this.#answered(raw, question, this.#policy(options))
    // What was asked while this was fresh says nothing once it has lapsed; what is asked since then does.
    return answered === 'lapsed' ? this.verify(token, options) : answered
  }

  /**
   * Calls back once when the token is over: at once if it is, within the bound when it is revoked or held, and with
   * `unknown` when nobody can say any more. Never because a newer token took its place. @returns what stops it.
   */
  onRevoked(token: string, callback: OnRevoked): () => void {
    const result = this.check(token)
    const raw = RawToken.parse(token)
    if (raw === undefined || result.kind === 'inactive') return this.#watches.once(result, callback)
    const { watch, stop } = this.#watches.add(raw, this.#knownOf(raw), callback)
    this.#watchLater()
    void this.#learn(watch)
    return stop
  }

  stats(): VerifierStats {
    const { place, index } = this.#replica
    return {
      state: this.state,
      trouble: this.trouble,
      lag: this.#lag(),
      asOf: this.#freshness.asOfMs,
      seq: place?.seq,
      epoch: place?.ordinal,
      instance: this.#follower.instance,
      checks: this.#checks,
      asked: this.#questions.asked,
      remembered: this.#seen.size,
      watched: this.#watches.size,
      entries: index?.ended.size ?? 0,
      entryBytes: index?.ended.bytes ?? 0,
      connects: this.#follower.connects,
      snapshots: this.#follower.snapshots,
      stateFile: this.#stateFile,
    }
  }

  /** Says goodbye to the server, keeps what it knows if there is a state file, and stops. Judges no more. */
  async close(): Promise<void> {
    this.#cancelSweep?.()
    this.#cancelWatch?.()
    await this.#follower.close()
    await this.#keep(true)
    this.#freshness.distrust()
  }

  #policy(options: CheckOptions | undefined): OnStale {
    const own = this.#parts.onStale
    const asked = options?.onStale
    return asked !== undefined && RANK[asked] < RANK[own] ? asked : own
  }

  /** By exactly this text, which was looked at when it was first seen. */
  #remembered(token: string): Seen | undefined {
    const { index } = this.#replica
    const digest = index === undefined ? undefined : RawToken.digestOf(token, index.digestKey)
    return digest === undefined ? undefined : this.#seen.get(digest)
  }

  /** A text that is not remembered. */
  #look(token: string): Seen | CheckResult {
    const raw = RawToken.parse(token)
    if (raw === undefined) return MALFORMED
    const { index } = this.#replica
    if (index === undefined) return STARTING
    const digest = raw.digest(index.digestKey)
    if (isEnded(index, digest) || isEnded(index, nameOf(raw, index))) return REVOKED
    const read = this.#signed.read(raw, this.#nowMs(index, this.#reading()))
    switch (read.kind) {
      case 'known':
        return this.#remember(digest, read.known, true)
      case 'inactive':
        return inactiveFor(read.why)
      case 'unknown':
      case 'opaque':
        return UNSEEN
    }
  }

  #remember(digest: TokenDigest, known: Known, signed: boolean): Seen {
    const isUsable = isUsableKind(known.credential.kind)
    const fresh = { version: 0, turned: undefined, answer: undefined, usedMinute: 0 }
    const seen: Seen = { ...known, signed, isUsable, ...fresh }
    if (isSingleUse(known)) return seen
    this.#seen.set(digest, seen)
    const { index } = this.#replica
    if (index !== undefined) this.#watches.seen(digest, seen, index)
    return seen
  }

  /** The one verdict function says what the rules make of it; it is asked again whenever one has arrived. */
  #judged(seen: Seen, policy: OnStale): CheckResult {
    const { index } = this.#replica
    if (index === undefined) return STARTING
    if (seen.version !== this.#version) this.#rejudge(seen, index)
    if (seen.turned !== undefined) return seen.turned
    const now = this.#reading()
    const nowMs = this.#nowMs(index, now)
    if (seen.facts.expiresAtMs <= nowMs) return EXPIRED
    if (seen.facts.notBeforeMs !== undefined && nowMs < seen.facts.notBeforeMs) return NOT_YET_VALID
    if (!seen.isUsable) return NOT_ACCESS
    const lag = this.#freshness.lag(now)
    if (lag === 'fresh') return this.#active(seen)
    if (lag === 'starting') return STARTING
    return policy === 'allow' ? { ...this.#active(seen), stale: true } : STALE
  }

  #rejudge(seen: Seen, index: RevocationIndex): void {
    // Time and lag are looked at on every check; here, only what rules say.
    const facts = { ...seen.facts, expiresAtMs: Number.POSITIVE_INFINITY }
    const verdict = judge({ facts, index, nowMs: seen.facts.notBeforeMs ?? 0, lag: 'fresh' })
    seen.turned = verdict.kind === 'active' ? undefined : inactiveFor(verdict.why)
    seen.version = this.#version
  }

  #active(seen: Seen): Active {
    const asOf = this.#freshness.asOfMs ?? 0
    if (seen.answer?.asOf === asOf) return seen.answer
    seen.answer = activeOf(seen, asOf)
    return seen.answer
  }

  #isToBeAsked(result: CheckResult, raw: Raw, options: CheckOptions | undefined): boolean {
    if (this.#believesNobody) return false
    if (result.kind === 'unknown') return result.why === 'unseen' || this.#policy(options) === 'ask'
    // Text that a customer assigned may have been given a longer life.
    return result.kind === 'inactive' && result.why === 'expired' && !raw.looksSigned
  }

  /** What an answer is worth: it counts from when its question was sent, and judges nothing that it does not state whole. */
  async #answered(raw: Raw, question: Question, policy: OnStale): Promise<CheckResult | 'lapsed'> {
    const answer = await question.answer
    const { index } = this.#replica
    const digest = index === undefined ? undefined : raw.digest(index.digestKey)
    if (answer === undefined) return this.#unanswered(raw, digest, policy)
    const { verdict } = answer
    if (verdict.kind === 'inactive' && digest !== undefined) this.#seen.delete(digest)
    if (this.#questions.isLate(question, this.#reading())) return digest === undefined ? STARTING : STALE
    if (verdict.kind !== 'active')
      return verdict.kind === 'inactive' ? inactiveFor(verdict.why) : { kind: 'unknown', why: verdict.why }
    const known = readKnown(answer.facts)
    if (known === undefined) return digest === undefined ? STARTING : UNSEEN
    if (digest === undefined) return this.#vouchedFor(known, question)
    const seen = this.#remember(digest, known, raw.looksSigned)
    const result = this.#judged(seen, policy)
    if (result.kind !== 'unknown') return this.#used.noted(seen, result)
    if (policy !== 'ask' || this.#believesNobody) return result
    return question.lagThen === 'fresh' ? 'lapsed' : this.#vouchedFor(known, question)
  }

  /** By the server's word alone, with `onStale: 'ask'`: no rule that is known here says otherwise. */
  #vouchedFor(known: Known, { sent }: Question): CheckResult {
    if (this.#believesNobody) return STARTING
    return isUsableKind(known.credential.kind) ? activeOf(known, sent.wallMs) : NOT_ACCESS
  }

  /** It was stopped, or its server's log is not the one that it knows. */
  get #believesNobody(): boolean {
    return this.#follower.isForked || this.state === 'closed'
  }

  #unanswered(raw: Raw, digest: TokenDigest | undefined, policy: OnStale): CheckResult {
    const { index } = this.#replica
    if (index === undefined || digest === undefined) return STARTING
    if (isEnded(index, digest) || isEnded(index, nameOf(raw, index))) return REVOKED
    const seen = this.#seen.get(digest)
    return seen === undefined ? UNSEEN : this.#judged(seen, policy)
  }

  #knownOf(raw: Raw): Watched {
    const { index } = this.#replica
    if (index === undefined) return { digest: undefined, seen: undefined }
    const digest = raw.digest(index.digestKey)
    return { digest, name: nameOf(raw, index), seen: this.#seen.get(digest) }
  }

  /** Only the server can say of whom a watched token is; until it has, its own digest is watched. */
  #askUnseen(most: number = Number.POSITIVE_INFINITY): void {
    const room = Math.min(most, this.#questions.room)
    for (const watch of this.#watches.takeUnseen(room)) void this.#learn(watch)
  }

  async #learn(watch: Watch): Promise<void> {
    const { raw } = watch
    if (raw === undefined) return
    const wasShared = this.#replica.index !== undefined
    const result = await this.verify(raw.reveal())
    const learned = { known: this.#knownOf(raw), index: this.#replica.index, wasShared }
    // As fast as they are answered; the rest is asked again by and by.
    if (this.#watches.learn(watch, result, learned)) this.#askUnseen()
  }

  #configured(config: FeedConfig): void {
    if (this.#config !== undefined) {
      // What was agreed has changed: signatures are looked at again.
      this.#seen.deleteWhere(({ signed }) => signed)
    }
    this.#config = config
    this.#signed.configure(config)
  }

  #changed(rules: readonly Rule[] | undefined): void {
    if (rules !== undefined && !rules.some(turnsVerdicts)) return
    this.#version += 1
    const { index } = this.#replica
    if (index === undefined) return
    if (rules === undefined) this.#watches.reindexed((raw) => this.#knownOf(raw))
    this.#watches.sweep(index, rules)
  }

  #proved(): void {
    if (this.#lag() !== 'fresh') return
    for (const done of [...this.#ready]) done()
    void this.#keep(false)
  }

  #lag(): Lag {
    return this.#freshness.lag(this.#reading())
  }

  #reading(): ClockReading {
    const { clock } = this.#parts
    return { wallMs: clock.wallMs(), monotonicMs: clock.monotonicMs() }
  }

  /** Never before the floor, nor before what has run since the start: what was seen expired stays so. */
  #nowMs(index: RevocationIndex, { wallMs, monotonicMs }: ClockReading): number {
    return Math.max(wallMs, index.floorMs, this.#start.wallMs + monotonicMs - this.#start.monotonicMs)
  }

  /** Never rejects: a disk that does not take it is seen by its age. */
  async #keep(isLast: boolean): Promise<void> {
    const { stateFile } = this.#parts
    const { index, position } = this.#replica
    const asOfMs = this.#freshness.asOfMs
    if (stateFile === undefined || index === undefined || position === undefined) return
    if (this.#config === undefined || asOfMs === undefined) return
    await stateFile.keep({ index, position, config: this.#config.text, asOfMs }, isLast)
  }

  #sweepLater(): void {
    this.#cancelSweep = this.#parts.timers.after(SWEEP_MS, () => {
      this.#replica.index?.dropExpired(this.#slice)
      this.#slice += 1
      this.#sweepLater()
    })
  }

  #watchLater(): void {
    if (this.#cancelWatch !== undefined || this.#watches.size === 0) return
    this.#cancelWatch = this.#parts.timers.after(WATCH_MS, () => {
      this.#cancelWatch = undefined
      const lag = this.#lag()
      // Who was told to wait while everything starts is not told that it has ended.
      if (lag === 'stale' && this.#parts.onStale !== 'allow') this.#watches.fireAll(STALE)
      // A server that cannot be reached is not asked; one that could not answer is asked again.
      if (this.state === 'live') this.#askUnseen(ASKED_AGAIN_MAX)
      this.#watchLater()
    })
  }
}

function activeOf({ facts, credential }: Known, asOf: number): Active {
  const { handle, source, subject, client, tenant, expiresAtMs } = facts
  const { kind, audience, scopes, cnf, delegated } = credential
  return {
    kind: 'active',
    tokenKind: kind,
    ...(handle === undefined ? {} : { handle }),
    source,
    ...(subject === undefined ? {} : { subject }),
    ...(client === undefined ? {} : { client }),
    ...(tenant === undefined ? {} : { tenant }),
    ...(audience === undefined ? {} : { audience }),
    scopes,
    ...(cnf === undefined ? {} : { cnf }),
    ...(delegated === undefined ? {} : { delegated }),
    expiresAtMs,
    asOf,
  }
}
