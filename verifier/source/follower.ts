import {
  type Clock,
  type ClockReading,
  ContractBroken,
  decodeSnapshot,
  type FeedEvent,
  type Freshness,
  type Replica,
  type Snapshot,
} from '@rescind/core'
import { type Checkpoint, positionOf, type Rule, readCheckpoint } from '@rescind/core/log'
import type { Acceptances } from '../acceptances.ts'
import { type ConnectionState, isLaxer, type OnStale } from '../results.ts'
import { isBehind, isOther } from './histories.ts'
import type { FeedConfig, Hello, Transport } from './transport.ts'
import { SourceFailed, type Trouble } from './trouble.ts'

/** Schedules tasks; tests run them explicitly. */
export type Timers = {
  readonly after: (ms: number, task: () => void) => () => void
  /** Resolves once everything that this process has received so far was processed. */
  readonly received: () => Promise<void>
}

export type FollowerParts = {
  readonly transport: Transport
  readonly replica: Replica
  readonly freshness: Freshness
  readonly clock: Clock
  readonly timers: Timers
  /** A random number between 0 and 1, to spread reconnects. */
  readonly chance: () => number
  readonly boundMs: number
  /** The name of this instance in lists and receipts; may be empty. */
  readonly label: string
  /** The policy past the bound, to be reported to the server. */
  readonly policy: () => OnStale
  readonly onState: (state: ConnectionState, trouble: Trouble | undefined) => void
  readonly onConfig: (config: FeedConfig) => void
  /** The index was replaced, or these rules were folded into it. */
  readonly onChange: (rules: readonly Rule[] | undefined) => void
  /** A proof of freshness was applied. */
  readonly onProof: () => void
  /** Tells the server which tokens were accepted. */
  readonly acceptances: Pick<Acceptances, 'greeted' | 'next' | 'last' | 'delivered' | 'failed' | 'isBehind'>
}

/** How the last session ended, which decides how the next one begins. */
type Ending =
  | { readonly kind: 'again' }
  | { readonly kind: 'snapshot' }
  | { readonly kind: 'failed'; readonly failure: SourceFailed }
  | { readonly kind: 'forked'; readonly trouble?: Trouble }

const BACKOFF_FIRST_MS = 100
const BACKOFF_MAX_MS = 2_000
/** Consecutive sessions that may end without a proof before the waits grow. */
const QUICK_RETRIES = 2
/** For a key that the server does not know, and for a server whose log was rolled back: an operator has to act first. */
const BACKOFF_REFUSED_MS = 10_000
const CONFIG_EVERY_MS = 60_000
const ACK_EVERY_MAX_MS = 1_000
/** Acknowledgements within one bound. */
const ACKS_PER_BOUND = 5
/** The fraction of a bound after which a proof of freshness is late. */
const LATE_PER_BOUND = 5
/** Collections with records that are part of the configuration. */
const CONFIGURED: ReadonlySet<string> = new Set(['issuers', 'signingKeys'])

/**
 * Keeps a replica up to date: configuration, snapshot, stream, and the round trips that prove its freshness. After every
 * failure it continues from the replica's position, and never takes anything back.
 */
export class Follower {
  readonly #parts: FollowerParts
  #state: ConnectionState = 'starting'
  #trouble: Trouble | undefined
  #config: { readonly text: string; readonly digestKey: string; readonly readAtMs: number } | undefined
  #needsSnapshot = false
  /** The state is from an older state file, and only a snapshot may replace it. */
  #mustReplace = false
  #isForked = false
  #instance: string | undefined
  #askedPolicy: OnStale | undefined
  #reported: OnStale | undefined
  #ackEveryMs = 0
  #ackSentMs = Number.NEGATIVE_INFINITY
  #ackTookMs = 0
  #ackOut = false
  #cancelAck: (() => void) | undefined
  #endSession: ((ending: Ending) => void) | undefined
  #cancelWait: (() => void) | undefined
  #failures = 0
  connects = 0
  snapshots = 0

  constructor(parts: FollowerParts) {
    this.#parts = parts
  }

  get state(): ConnectionState {
    return this.#state
  }

  /** Why it is not live; undefined when it is, or when nothing has gone wrong. */
  get trouble(): Trouble | undefined {
    return this.#trouble
  }

  /** The server showed another log and has proved nothing since, so it is not believed. */
  get isForked(): boolean {
    return this.#isForked
  }

  /** Whether a proof of freshness has been out for too long. */
  get isProofLate(): boolean {
    const { clock, boundMs } = this.#parts
    return this.#ackOut && clock.monotonicMs() - this.#ackSentMs > boundMs / LATE_PER_BOUND
  }

  get instance(): string | undefined {
    return this.#instance
  }

  /** The strictest policy that the server may count this instance with; undefined: none was reported yet. */
  get reported(): OnStale | undefined {
    return this.#reported
  }

  /** The policy of the verifiers has changed: a new stream reports it to the server. */
  policyChanged(): void {
    if (this.#askedPolicy !== this.#parts.policy()) this.#endSession?.({ kind: 'again' })
  }

  /** Takes over the state from a file. @param isOlder a snapshot must replace it before anything is followed. */
  recall(config: FeedConfig, isOlder: boolean): void {
    this.#mustReplace = isOlder
    this.#needsSnapshot = isOlder
    this.#config = { text: config.text, digestKey: config.digestKey, readAtMs: Number.NEGATIVE_INFINITY }
    this.#parts.onConfig(config)
  }

  start(): void {
    void this.#run()
  }

  /** Says goodbye, if possible, and stops. */
  async close(): Promise<void> {
    if (this.#state === 'closed') return
    const [instance, position] = [this.#instance, this.#parts.replica.position]
    const wasLive = this.#state === 'live'
    this.#become('closed')
    this.#cancelAck?.()
    this.#cancelWait?.()
    this.#endSession?.({ kind: 'again' })
    if (wasLive && instance !== undefined && position !== undefined) {
      const { boundMs: bound, acceptances, clock } = this.#parts
      const leaving = {
        instance,
        position,
        bound,
        ...acceptances.last(reading(clock)),
        leaving: true as const,
      }
      // If the goodbye is lost, the server waits for the bound instead.
      await this.#parts.transport.acknowledge(leaving, GOODBYE_MS).catch(() => undefined)
    }
    this.#parts.transport.close()
  }

  /** Never rejects. */
  async #run(): Promise<void> {
    while (!this.#isClosed()) {
      const ending = await this.#session().catch(endingOf)
      this.#endSession = undefined
      this.#cancelAck?.()
      if (this.#isClosed()) return
      await this.#pause(this.#delayAfter(ending))
    }
  }

  #delayAfter(ending: Ending): number {
    switch (ending.kind) {
      case 'again':
      case 'snapshot':
        this.#needsSnapshot ||= ending.kind === 'snapshot'
        this.#become('disconnected')
        return this.#backoffMs()
      case 'forked':
        this.#isForked = true
        this.#parts.freshness.distrust()
        this.#become('forked', ending.trouble ?? ROLLED_BACK)
        return BACKOFF_REFUSED_MS * (0.5 + this.#parts.chance() / 2)
      case 'failed': {
        const { status } = ending.failure
        if (status === 409) {
          const { trouble } = ending.failure
          return this.#delayAfter(
            trouble.kind === 'other-realm' ? { kind: 'forked', trouble } : { kind: 'forked' },
          )
        }
        const isRefused = status === 401 || status === 403
        this.#become(isRefused ? 'refused' : 'disconnected', ending.failure.trouble)
        if (isRefused) return BACKOFF_REFUSED_MS * (0.5 + this.#parts.chance() / 2)
        return this.#backoffMs()
      }
    }
  }

  /** Randomised, so that instances do not all return at once; grows with every session without a proof. */
  #backoffMs(): number {
    this.#failures += 1
    if (this.#failures <= QUICK_RETRIES) return this.#parts.chance() * BACKOFF_FIRST_MS
    const most = Math.min(BACKOFF_MAX_MS, BACKOFF_FIRST_MS * 2 ** Math.min(10, this.#failures))
    return most * (0.5 + this.#parts.chance() / 2)
  }

  /** From the configuration to the end of one stream. */
  async #session(): Promise<Ending> {
    await this.#refreshConfig()
    if (this.#parts.replica.checkpoint === undefined || this.#needsSnapshot) {
      const loaded = await this.#load()
      if (loaded !== undefined) return loaded
    }
    return this.#follow()
  }

  async #refreshConfig(): Promise<void> {
    const { clock, transport } = this.#parts
    const readAtMs = clock.monotonicMs()
    if (this.#config !== undefined && readAtMs - this.#config.readAtMs < CONFIG_EVERY_MS) return
    const config = await transport.config()
    if (this.#config !== undefined && this.#config.digestKey !== config.digestKey)
      throw new SourceFailed(OTHER_REALM, 409, 'other-realm')
    const isNew = this.#config?.text !== config.text
    this.#config = { text: config.text, digestKey: config.digestKey, readAtMs }
    this.#parts.replica.index?.raiseFloor(config.floorMs)
    if (isNew) this.#parts.onConfig(config)
  }

  async #load(): Promise<Ending | undefined> {
    const { transport, replica, freshness, onChange } = this.#parts
    const digestKey = this.#config?.digestKey ?? ''
    const snapshot = decoded(await transport.snapshot(), digestKey)
    if (snapshot === undefined) throw new SourceFailed('the snapshot is damaged, or made by another version')
    this.snapshots += 1
    const loaded = replica.load(snapshot)
    // A log that ends before the stored state was rolled back.
    if (loaded.kind === 'fork' || (loaded.kind === 'behind' && this.#mustReplace)) return { kind: 'forked' }
    this.#needsSnapshot = false
    this.#mustReplace = false
    if (replica.checkpoint !== undefined) freshness.applied(positionOf(replica.checkpoint))
    onChange(undefined)
    return undefined
  }

  #follow(): Promise<Ending> {
    const { transport, replica, boundMs, label } = this.#parts
    const after = replica.position ?? ''
    const onStale = this.#parts.policy()
    this.#askedPolicy = onStale
    // Until the hello arrives, the server may count either policy.
    this.#reported =
      this.#reported === undefined || isLaxer(this.#reported, onStale) ? onStale : this.#reported
    return new Promise((resolve) => {
      let close: (() => void) | undefined
      const end = (ending: Ending): void => {
        if (this.#endSession !== end) return
        this.#endSession = undefined
        resolve(ending)
        close?.()
      }
      this.#endSession = end
      close = transport.stream(
        { after, boundMs, onStale, instance: this.#instance, label },
        {
          hello: (hello) => this.#greeted(hello, end),
          rows: (event) => this.#take(event, end),
          reset: (why) => {
            // Another process uses this id now.
            if (why === 'taken-over') this.#instance = undefined
            end(why === 'position' ? { kind: 'snapshot' } : { kind: 'again' })
          },
          ended: (failure) => end(failure === undefined ? { kind: 'again' } : { kind: 'failed', failure }),
        },
      )
      if (this.#endSession !== end) close()
    })
  }

  #greeted(hello: Hello, end: (ending: Ending) => void): void {
    this.connects += 1
    this.#parts.acceptances.greeted(hello, this.#parts.clock.monotonicMs())
    this.#instance = hello.instance
    this.#reported = this.#askedPolicy
    this.#ackEveryMs = Math.min(hello.ackEveryMs, this.#parts.boundMs / 2)
    this.#parts.replica.index?.raiseFloor(hello.floorMs)
    if (isBehind(readCheckpoint(hello.position), this.#parts.replica.checkpoint)) {
      end({ kind: 'forked' })
      return
    }
    this.#become('live')
    this.#ackAfter(0)
  }

  #take(event: FeedEvent, end: (ending: Ending) => void): void {
    const { replica, freshness, onChange, onProof } = this.#parts
    const applied = replica.apply(event)
    switch (applied.kind) {
      case 'known':
        return
      case 'fork':
        end({ kind: 'forked' })
        return
      case 'resync':
        // The server reports a checkpoint that it cannot continue from; for an unknown rule only a snapshot helps.
        end({ kind: applied.why === 'unknown-rule' ? 'snapshot' : 'again' })
        return
      case 'applied': {
        const wasWaiting = freshness.isWaiting
        if (replica.checkpoint !== undefined) freshness.applied(positionOf(replica.checkpoint))
        onChange(applied.rules)
        if (wasWaiting && !freshness.isWaiting) onProof()
        if (applied.rules.some((rule) => rule.kind === 'change' && CONFIGURED.has(rule.collection)))
          void this.#configChanged()
        this.#ackSoon()
      }
    }
  }

  /** Never rejects: the next session asks again. */
  async #configChanged(): Promise<void> {
    if (this.#config !== undefined) this.#config = { ...this.#config, readAtMs: Number.NEGATIVE_INFINITY }
    await this.#refreshConfig().catch((error: unknown) => this.#endSession?.(endingOf(error)))
  }

  /** Asks where the log ends, but no sooner after the last question than the server can keep up with. */
  #ackSoon(): void {
    // A slow answer means a busy server, and more questions would slow it down further.
    this.#ackAfter(Math.max(this.#ackEveryMs, this.#ackTookMs * 2))
  }

  /** Asks that many milliseconds after the last question, or when a heartbeat is due, whichever comes first. */
  #ackAfter(ms: number): void {
    if (this.#ackOut || this.#state !== 'live') return
    const heartbeatMs = Math.min(ACK_EVERY_MAX_MS, this.#parts.boundMs / ACKS_PER_BOUND)
    const dueMs = this.#ackSentMs + Math.min(ms, heartbeatMs)
    this.#cancelAck?.()
    this.#cancelAck = this.#parts.timers.after(
      Math.max(0, dueMs - this.#parts.clock.monotonicMs()),
      () => void this.#acknowledge(),
    )
  }

  /** One round trip; at most one is out. Never rejects. */
  async #acknowledge(): Promise<void> {
    const { clock, replica, transport, boundMs, acceptances } = this.#parts
    const [instance, position, checkpoint, end] = [
      this.#instance,
      replica.position,
      replica.checkpoint,
      this.#endSession,
    ]
    if (instance === undefined || position === undefined || checkpoint === undefined) return
    if (this.#ackOut || end === undefined) return
    this.#ackOut = true
    // Read before sending: the answer proves nothing about what happens later.
    const sent = reading(clock)
    this.#ackSentMs = sent.monotonicMs
    const ask = { instance, position, bound: boundMs, ...acceptances.next(sent) }
    try {
      const answer = await transport.acknowledge(ask, boundMs)
      acceptances.delivered(clock.monotonicMs())
      if (this.#endSession === end) this.#proved(answer, { sent, checkpoint, end })
    } catch (error) {
      acceptances.failed(error)
      if (this.#endSession === end) this.#unproved(endingOf(error), end)
    }
    this.#ackOut = false
    this.#ackTookMs = clock.monotonicMs() - sent.monotonicMs
    // Rows applied while this question was out still have to be acknowledged.
    if (replica.position !== position || acceptances.isBehind) this.#ackSoon()
    else this.#ackAfter(Number.POSITIVE_INFINITY)
    await this.#maybeRefreshConfig()
  }

  #proved(
    { position, floorMs }: { readonly position: string; readonly floorMs: number },
    asked: Asked,
  ): void {
    const { replica, freshness, onProof, timers } = this.#parts
    const at = readCheckpoint(position)
    if (at === undefined || replica.checkpoint === undefined) return
    if (isBehind(at, asked.checkpoint) || isOther(at, replica.checkpoint)) {
      asked.end({ kind: 'forked' })
      return
    }
    this.#failures = 0
    this.#isForked = false
    replica.index?.raiseFloor(floorMs)
    freshness.prove({ sent: asked.sent, at: positionOf(at) }, positionOf(replica.checkpoint))
    if (!freshness.isWaiting) {
      onProof()
      return
    }
    // The rows should be on their way. If they do not come, the stream is dead even if its connection looks fine.
    const waitMs = Math.max(STALL_MIN_MS, this.#parts.boundMs / 4)
    timers.after(waitMs, () => {
      const own = replica.checkpoint
      if (own !== undefined && positionOf(own) < positionOf(at)) asked.end({ kind: 'again' })
    })
  }

  #unproved(ending: Ending, end: (ending: Ending) => void): void {
    if (ending.kind !== 'failed') end(ending)
    else if (ending.failure.status === 404) {
      this.#instance = undefined
      end({ kind: 'again' })
    } else if (ending.failure.status !== undefined && ending.failure.status < 500) end(ending)
    // After other failures asking again may help; without an answer nothing becomes fresh.
  }

  /** Never rejects. */
  async #maybeRefreshConfig(): Promise<void> {
    if (this.#state !== 'live') return
    await this.#refreshConfig().catch((error: unknown) => {
      const ending = endingOf(error)
      if (ending.kind === 'failed' && ending.failure.status === 409) this.#endSession?.(ending)
    })
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.#parts.timers.after(ms, resolve)
      this.#cancelWait = () => {
        cancel()
        resolve()
      }
    })
  }

  #isClosed(): boolean {
    return this.#state === 'closed'
  }

  #become(state: ConnectionState, trouble?: Trouble): void {
    // The same trouble again is not news; a different one is.
    const isNews =
      this.#state !== state || (trouble !== undefined && trouble.message !== this.#trouble?.message)
    if (!isNews || this.#state === 'closed') return
    this.#state = state
    this.#trouble = trouble
    this.#parts.onState(state, trouble)
  }
}

const ROLLED_BACK: Trouble = {
  kind: 'rolled-back',
  message:
    "the server's log is not the one that this verifier knows: its store was rolled back or replaced; " +
    'an operator has to start a new epoch (rescind epoch new)',
}
const OTHER_REALM =
  'the state of this verifier is from another realm than this key: remove the state file, ' +
  'or use the key and the url that it was written with'

const GOODBYE_MS = 1_000
const STALL_MIN_MS = 250

type Asked = {
  readonly sent: ClockReading
  /** The replica's checkpoint at that time. */
  readonly checkpoint: Checkpoint
  readonly end: (ending: Ending) => void
}

function reading(clock: Clock): ClockReading {
  return { wallMs: clock.wallMs(), monotonicMs: clock.monotonicMs() }
}

/** Connection failures are expected here; every other error is a bug, and crashes. */
function endingOf(error: unknown): Ending {
  if (error instanceof SourceFailed) return { kind: 'failed', failure: error }
  throw error
}

/** @returns undefined for bytes that no valid server makes, even if their hash is right. */
function decoded(bytes: Uint8Array, digestKey: string): Snapshot | undefined {
  try {
    return decodeSnapshot(bytes, digestKey)
  } catch (error) {
    if (error instanceof ContractBroken || error instanceof RangeError) return undefined
    throw error
  }
}
