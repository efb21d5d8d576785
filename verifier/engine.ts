import {
  type Clock,
  type ClockReading,
  Freshness,
  judge,
  type Lag,
  RecentMap,
  Replica,
  type RevocationIndex,
  type Snapshot,
  type TokenDigest,
  turnsVerdicts,
} from '@rescind/core'
import type { Rule } from '@rescind/core/log'
import {
  isSingleUse,
  isUsableKind,
  type Known,
  type RawToken as Raw,
  RawToken,
  readFacts,
} from '@rescind/core/tokens'
import { Acceptances, type Noted } from './acceptances.ts'
import { isEnded, nameOf } from './ended.ts'
import { type Question, Questions } from './questions.ts'
import {
  type Active,
  type CheckResult,
  type ConnectionState,
  type Inactive,
  inactiveFor,
  laxest,
  type OnStale,
  type Policy,
  strictest,
  type Unknown,
  type VerifierStats,
} from './results.ts'
import { SignedTexts } from './signed.ts'
import { Follower, type Timers } from './source/follower.ts'
import { type Recalled, StateFile } from './source/state-file.ts'
import type { FeedConfig, Transport } from './source/transport.ts'
import type { Trouble } from './source/trouble.ts'

/** Tokens remembered until as many others were asked about. */
export const REMEMBERED_MAX = 65_536

export type EngineParts = {
  readonly transport: Transport
  readonly clock: Clock
  readonly timers: Timers
  readonly chance: () => number
  readonly boundMs: number
  readonly label: string
  /** Called when the last verifier has left. */
  readonly onOver?: () => void
}

/** A verifier that shares an engine, and the engine's callbacks to it. */
export type Sharer = {
  readonly onStale: OnStale
  readonly stateFile: StateFile | undefined
  readonly onState: (state: ConnectionState, trouble: Trouble | undefined) => void
  /** The index was replaced, or these rules were folded into it. */
  readonly onChange: (rules: readonly Rule[] | undefined) => void
  /** Verdicts are fresh now. */
  readonly onFresh: () => void
  readonly onSeen: (digest: TokenDigest, seen: Seen) => void
}

/** How often expired rules leave the index; one of 64 slices at a time. */
const SWEEP_MS = 30_000

const MALFORMED: Inactive = inactiveFor('malformed')
const REVOKED: Inactive = inactiveFor('revoked')
const EXPIRED: Inactive = inactiveFor('expired')
const NOT_YET_VALID: Inactive = inactiveFor('not_yet_valid')
const NOT_ACCESS: Inactive = inactiveFor('not_access')
const STARTING: Unknown = { kind: 'unknown', why: 'starting' }
export const STALE: Unknown = { kind: 'unknown', why: 'stale' }
const UNSEEN: Unknown = { kind: 'unknown', why: 'unseen' }
/** What is remembered of a token, and the index's verdict as of its last change. */
export type Seen = Known &
  Noted & {
    /** A signature checked here proves it, so a change of keys requires a new check. */
    readonly signed: boolean
    /** Whether it may be presented with a request. */
    readonly isUsable: boolean
    /** The version of the index for which `turned` was computed. */
    version: number
    /** Why it is over, time aside; undefined: it is not. */
    turned: Inactive | undefined
    answer: Active | undefined
  }

/**
 * A running follower of a server with everything known from it. All verifiers of a process that use the same server, key and
 * bound share one; the server sees a single instance.
 */
export class Engine {
  readonly #parts: EngineParts
  readonly #replica: Replica = new Replica()
  readonly #freshness: Freshness
  readonly #follower: Follower
  readonly #signed: SignedTexts = new SignedTexts()
  readonly #seen: RecentMap<TokenDigest, Seen> = new RecentMap(REMEMBERED_MAX)
  readonly #acceptances: Acceptances = new Acceptances()
  readonly #questions: Questions
  readonly #sharers: Set<Sharer> = new Set()
  readonly #stateFiles: Map<string, StateFile> = new Map()
  readonly #start: ClockReading
  #config: FeedConfig | undefined
  /** Incremented whenever a verdict may have changed. */
  #version = 1
  #slice = 0
  #cancelSweep: (() => void) | undefined

  constructor(parts: EngineParts) {
    this.#parts = parts
    this.#freshness = new Freshness(parts.boundMs)
    this.#start = this.#reading()
    this.#follower = new Follower({
      ...parts,
      replica: this.#replica,
      freshness: this.#freshness,
      policy: () => laxest([...this.#sharers].map(({ onStale }) => onStale)),
      onState: (state, trouble) => {
        for (const one of [...this.#sharers]) one.onState(state, trouble)
      },
      onConfig: (config) => this.#configured(config),
      onChange: (rules) => this.#changed(rules),
      onProof: () => this.#proved(),
      acceptances: this.#acceptances,
    })
    this.#questions = new Questions({
      ...parts,
      now: () => {
        const at = this.#reading()
        return { at, lag: this.#freshness.lag(at) }
      },
      isProofLate: () => this.#follower.isProofLate,
    })
  }

  /** The state file at a path, shared by all verifiers that name it: it is written once, by one at a time. */
  stateFileAt(path: string): StateFile {
    const known = this.#stateFiles.get(path)
    if (known !== undefined) return known
    const made = new StateFile(path, () => this.#parts.clock.monotonicMs())
    this.#stateFiles.set(path, made)
    return made
  }

  /** The first verifier starts the follower. State from a verifier's file takes effect at once. */
  join(sharer: Sharer, recalled: Recalled | undefined): void {
    this.#sharers.add(sharer)
    if (recalled !== undefined && 'snapshot' in recalled) this.#recall(recalled)
    if (this.#sharers.size > 1) {
      this.#follower.policyChanged()
      return
    }
    this.#follower.start()
    this.#sweepLater()
  }

  /** Writes the verifier's state file, if it has one. The last verifier says goodbye to the server and stops everything. */
  async leave(sharer: Sharer): Promise<void> {
    this.#sharers.delete(sharer)
    if (this.#sharers.size > 0) this.#follower.policyChanged()
    else await this.#stop()
    await this.#keep(sharer, true)
  }

  get state(): ConnectionState {
    return this.#follower.state
  }

  get trouble(): Trouble | undefined {
    return this.#follower.trouble
  }

  get index(): RevocationIndex | undefined {
    return this.#replica.index
  }

  /** How many questions may be sent now. */
  get room(): number {
    return this.#questions.room
  }

  lag(): Lag {
    return this.#freshness.lag(this.#reading())
  }

  /** Judges a token by what is known here. Synchronous; no I/O. */
  check(token: string, asked: Policy): CheckResult {
    const policy = this.#agreed(asked)
    const seen = this.seenOf(token) ?? this.#look(token)
    if (!('facts' in seen)) return seen
    const now = this.#reading()
    return this.#acceptances.noted(seen, this.judged(seen, policy, now), now)
  }

  /** As `check`, but asks the server once about what `check` cannot know. */
  async verify(token: string, asked: Policy): Promise<CheckResult> {
    const policy = this.#agreed(asked)
    let result = this.check(token, policy)
    if (result === STALE && this.state === 'live') {
      // After this process stood still, a proof may have been received that was not read yet.
      await this.#parts.timers.received()
      result = this.check(token, policy)
    }
    if (result.kind === 'active') return result
    const raw = RawToken.parse(token)
    if (raw === undefined || !this.#isToBeAsked(result, raw, policy)) return result
    const { index } = this.#replica
    const question = this.#questions.about(raw, index && raw.digest(index.digestKey))
    if (question === undefined) return result
    const answered = await this.#answered(raw, question, policy)
    // An answer to a question from before a lapse proves nothing after it; a new question does.
    return answered === 'lapsed' ? this.verify(token, policy) : answered
  }

  /** Never laxer than the policy reported to the server, because its receipts rely on that. */
  #agreed(asked: Policy): Policy {
    const { reported } = this.#follower
    return reported === undefined ? asked : strictest(asked, reported)
  }

  stats(): Omit<VerifierStats, 'state' | 'lag' | 'checks' | 'watched' | 'stateFile'> {
    const { checkpoint, index } = this.#replica
    return {
      trouble: this.trouble,
      asOf: this.#freshness.asOfMs,
      seq: checkpoint?.seq,
      epoch: checkpoint?.ordinal,
      instance: this.#follower.instance,
      asked: this.#questions.asked,
      remembered: this.#seen.size,
      entries: index?.ended.size ?? 0,
      entryBytes: index?.ended.bytes ?? 0,
      acceptancesDropped: this.#acceptances.dropped,
      connects: this.#follower.connects,
      snapshots: this.#follower.snapshots,
    }
  }

  async #stop(): Promise<void> {
    this.#parts.onOver?.()
    this.#cancelSweep?.()
    await this.#follower.close()
    this.#freshness.distrust()
  }

  #recall(recalled: Extract<Recalled, { readonly snapshot: Snapshot }>): void {
    // An earlier verifier has already heard from the server itself.
    if (this.#replica.checkpoint !== undefined || this.#config !== undefined) return
    const isOlder = recalled.kind === 'older'
    this.#follower.recall(recalled.config, isOlder)
    this.#replica.load(recalled.snapshot)
    // An older version may have dropped rules, so until a snapshot comes nothing is active by this state.
    if (!isOlder) this.#freshness.remember(recalled.asOfMs)
    this.#changed(undefined)
  }

  /** A token seen before with exactly this text. */
  seenOf(token: string): Seen | undefined {
    const { index } = this.#replica
    const digest = index === undefined ? undefined : RawToken.digestOf(token, index.digestKey)
    return digest === undefined ? undefined : this.#seen.get(digest)
  }

  /** Judges a text that is not remembered. */
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
    const fresh = { version: 0, turned: undefined, answer: undefined, acceptedMinute: 0 }
    const seen: Seen = { ...known, signed, isUsable, ...fresh }
    if (isSingleUse(known)) return seen
    this.#seen.set(digest, seen)
    for (const one of this.#sharers) one.onSeen(digest, seen)
    return seen
  }

  /** Judges a known token. Rules are judged once per change of the index; time and freshness on every call. */
  judged(seen: Seen, policy: Policy, now: ClockReading = this.#reading()): CheckResult {
    const { index } = this.#replica
    if (index === undefined) return STARTING
    if (seen.version !== this.#version) this.#rejudge(seen, index)
    if (seen.turned !== undefined) return seen.turned
    const nowMs = this.#nowMs(index, now)
    if (seen.facts.expiresAtMs <= nowMs) return EXPIRED
    if (seen.facts.notBeforeMs !== undefined && nowMs < seen.facts.notBeforeMs) return NOT_YET_VALID
    if (!seen.isUsable) return NOT_ACCESS
    const lag = policy === 'never' ? 'stale' : this.#freshness.lag(now)
    if (lag === 'fresh') return this.#active(seen)
    if (lag === 'starting') return STARTING
    return policy === 'allow' ? { ...this.#active(seen), stale: true } : STALE
  }

  #rejudge(seen: Seen, index: RevocationIndex): void {
    // Only what rules say: every check looks at time and lag itself.
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

  #isToBeAsked(result: CheckResult, raw: Raw, policy: Policy): boolean {
    if (this.#believesNobody || policy === 'never') return false
    if (result.kind === 'unknown') return result.why === 'unseen' || policy === 'ask'
    // The life of assigned text may have been extended.
    return result.kind === 'inactive' && result.why === 'expired' && !raw.looksSigned
  }

  /** Applies an answer: it counts from the sending of its question, and must state all facts to be used. */
  async #answered(raw: Raw, question: Question, policy: Policy): Promise<CheckResult | 'lapsed'> {
    const answer = await question.answer
    const { index } = this.#replica
    const digest = index === undefined ? undefined : raw.digest(index.digestKey)
    if (answer === undefined) return this.#unanswered(raw, digest, policy)
    const { verdict } = answer
    if (verdict.kind === 'inactive' && digest !== undefined) this.#seen.delete(digest)
    if (this.#questions.isLate(question)) return digest === undefined ? STARTING : STALE
    if (verdict.kind !== 'active')
      return verdict.kind === 'inactive' ? inactiveFor(verdict.why) : { kind: 'unknown', why: verdict.why }
    const known = readFacts(answer.facts)
    if (known === undefined) return digest === undefined ? STARTING : UNSEEN
    if (digest === undefined) return this.#vouchedFor(known, question)
    const seen = this.#remember(digest, known, raw.looksSigned)
    const now = this.#reading()
    const result = this.judged(seen, policy, now)
    if (result.kind !== 'unknown') return this.#acceptances.noted(seen, result, now)
    if (policy !== 'ask' || this.#believesNobody) return result
    return question.sent?.lag === 'fresh' ? 'lapsed' : this.#vouchedFor(known, question)
  }

  /** The result by the server's word alone, with `onStale: 'ask'`: no rule known here contradicts it. */
  #vouchedFor(known: Known, { sent }: Question): CheckResult {
    if (this.#believesNobody) return STARTING
    return isUsableKind(known.credential.kind) ? activeOf(known, sent?.at.wallMs ?? 0) : NOT_ACCESS
  }

  /** Whether the server is not believed: the verifier was stopped, or the server's log is another one. */
  get #believesNobody(): boolean {
    return this.#follower.isForked || this.state === 'closed'
  }

  #unanswered(raw: Raw, digest: TokenDigest | undefined, policy: Policy): CheckResult {
    const { index } = this.#replica
    if (index === undefined || digest === undefined) return STARTING
    if (isEnded(index, digest) || isEnded(index, nameOf(raw, index))) return REVOKED
    const seen = this.#seen.get(digest)
    return seen === undefined ? UNSEEN : this.judged(seen, policy)
  }

  #configured(config: FeedConfig): void {
    if (this.#config !== undefined) {
      // The agreed keys or issuers have changed: signatures are checked again.
      this.#seen.deleteWhere(({ signed }) => signed)
    }
    this.#config = config
    this.#signed.configure(config)
  }

  #changed(rules: readonly Rule[] | undefined): void {
    if (rules !== undefined && !rules.some(turnsVerdicts)) return
    this.#version += 1
    for (const one of [...this.#sharers]) one.onChange(rules)
  }

  #proved(): void {
    this.#questions.sendOn()
    if (this.lag() !== 'fresh') return
    for (const one of [...this.#sharers]) {
      one.onFresh()
      void this.#keep(one, false)
    }
  }

  /** Never rejects: if the disk refuses, the age of the file shows it. */
  async #keep({ stateFile }: Sharer, isLast: boolean): Promise<void> {
    const { index, position } = this.#replica
    const asOfMs = this.#freshness.asOfMs
    if (stateFile === undefined || index === undefined || position === undefined) return
    if (this.#config === undefined || asOfMs === undefined) return
    await stateFile.keep({ index, position, config: this.#config.text, asOfMs }, isLast)
  }

  #reading(): ClockReading {
    const { clock } = this.#parts
    return { wallMs: clock.wallMs(), monotonicMs: clock.monotonicMs() }
  }

  /** Never before the floor, nor before the start plus the time since: what was seen expired stays expired. */
  #nowMs(index: RevocationIndex, { wallMs, monotonicMs }: ClockReading): number {
    return Math.max(wallMs, index.floorMs, this.#start.wallMs + monotonicMs - this.#start.monotonicMs)
  }

  #sweepLater(): void {
    this.#cancelSweep = this.#parts.timers.after(SWEEP_MS, () => {
      this.#replica.index?.dropExpired(this.#slice)
      this.#slice += 1
      this.#sweepLater()
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
