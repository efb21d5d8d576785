import type { TokenDigest } from '@rescind/core'
import type { Rule } from '@rescind/core/log'
import { RawToken } from '@rescind/core/tokens'
import { nameOf } from './ended.ts'
import { type Engine, type Seen, type Sharer, STALE } from './engine.ts'
import {
  type CheckOptions,
  type CheckResult,
  type ConnectionState,
  type OnStale,
  type Policy,
  strictest,
  type VerifierStats,
} from './results.ts'
import type { Timers } from './source/follower.ts'
import type { StateFile } from './source/state-file.ts'
import type { Trouble } from './source/trouble.ts'
import { type OnRevoked, type Watch, type Known as Watched, Watches } from './watches.ts'

export type VerifierParts = {
  readonly engine: Engine
  readonly timers: Timers
  readonly onStale: OnStale
  readonly onState: ((state: ConnectionState, trouble: Trouble | undefined) => void) | undefined
  readonly stateFile: StateFile | undefined
}

/** `ready` timed out. `trouble` gives the reason, if anything has gone wrong. */
export class NotReady extends Error {
  readonly trouble: Trouble | undefined

  constructor(message: string, trouble: Trouble | undefined) {
    super(trouble === undefined ? message : `${message} (${trouble.kind}: ${trouble.message})`)
    this.name = 'NotReady'
    this.trouble = trouble
  }
}

/** How often watches are checked for whether verdicts are still possible. */
const WATCH_MS = 100
/** Maximum unanswered questions about watched tokens that are repeated at each check. */
const ASKED_AGAIN_MAX = 16

/**
 * Judges tokens in process, by a live copy of the server's revocations. `check` is synchronous and without I/O; `verify` asks
 * the server once about what `check` cannot know.
 */
export class Verifier {
  readonly #parts: VerifierParts
  readonly #engine: Engine
  readonly #sharer: Sharer
  readonly #watches: Watches
  readonly #ready: Set<() => void> = new Set()
  #isClosed = false
  #checks = 0
  #stateFile: VerifierStats['stateFile']
  #cancelWatch: (() => void) | undefined

  constructor(parts: VerifierParts) {
    this.#parts = parts
    this.#engine = parts.engine
    this.#watches = new Watches((seen) => parts.engine.judged(seen, 'refuse'))
    this.#sharer = {
      onStale: parts.onStale,
      stateFile: parts.stateFile,
      onState: (state, trouble) => {
        if (!this.#isClosed) parts.onState?.(state, trouble)
      },
      onChange: (rules) => this.#changed(rules),
      onFresh: () => {
        for (const done of [...this.#ready]) done()
      },
      onSeen: (digest, seen) => this.#learned(digest, seen),
    }
  }

  /** Begins to follow the server; state from a file takes effect at once. */
  start(): void {
    const recalled = this.#parts.stateFile?.recall()
    this.#stateFile = recalled?.kind
    this.#engine.join(this.#sharer, recalled)
  }

  /** The state of the connection to the server. */
  get state(): ConnectionState {
    return this.#isClosed ? 'closed' : this.#engine.state
  }

  /** Why it does not hear from its server; undefined while it does. */
  get trouble(): Trouble | undefined {
    return this.#engine.trouble
  }

  /** Resolves when verdicts are fresh. @throws NotReady when that takes longer than the time. */
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
    return this.#engine.check(token, this.#policy(options))
  }

  /** As `check`, but asks the server once about what `check` cannot know. */
  async verify(token: string, options?: CheckOptions): Promise<CheckResult> {
    this.#checks += 1
    const result = await this.#engine.verify(token, this.#policy(options))
    return this.#isClosed && result.kind === 'active' ? STALE : result
  }

  /**
   * Calls back once when the token is over: at once if it already is, within the bound when it is revoked or held, and with
   * `unknown` when no verdict is possible any more. Not when a newer token replaces it. @returns a function that cancels it.
   */
  onRevoked(token: string, callback: OnRevoked): () => void {
    const result = this.check(token)
    if (result.kind === 'inactive') return this.#watches.once(result, callback)
    const seen = this.#engine.seenOf(token)
    const raw = seen === undefined ? RawToken.parse(token) : undefined
    const known = raw === undefined ? { digest: undefined, seen } : this.#knownOf(raw)
    const { watch, stop } = this.#watches.add(raw, known, callback)
    this.#watchLater()
    this.#learn(watch)
    return stop
  }

  stats(): VerifierStats {
    const { state } = this
    const about = { checks: this.#checks, watched: this.#watches.size, stateFile: this.#stateFile }
    return { ...this.#engine.stats(), state, lag: this.#lag(), ...about }
  }

  /**
   * Writes the state file, if there is one, and stops. The last verifier that shares a follower says goodbye to the server.
   * After this, no token is active.
   */
  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#cancelWatch?.()
    this.#parts.onState?.('closed', undefined)
    await this.#engine.leave(this.#sharer)
  }

  #policy(options: CheckOptions | undefined): Policy {
    if (this.#isClosed) return 'never'
    const own = this.#parts.onStale
    const asked = options?.onStale
    return asked === undefined ? own : strictest(own, asked)
  }

  #lag(): ReturnType<Engine['lag']> {
    const lag = this.#engine.lag()
    return this.#isClosed && lag === 'fresh' ? 'stale' : lag
  }

  #knownOf(raw: RawToken): Watched {
    const { index } = this.#engine
    if (index === undefined) return { digest: undefined, seen: undefined }
    return {
      digest: raw.digest(index.digestKey),
      name: nameOf(raw, index),
      seen: this.#engine.seenOf(raw.reveal()),
    }
  }

  /** Only the server can say what a watched token's subject and client are; until then its digest alone is watched. */
  #askUnseen(most: number = Number.POSITIVE_INFINITY): void {
    const room = Math.min(most, this.#engine.room)
    for (const watch of this.#watches.takeUnseen(room)) this.#learn(watch)
  }

  #learn(watch: Watch): void {
    const { raw } = watch
    if (raw !== undefined) void this.#ask(watch, raw)
  }

  async #ask(watch: Watch, raw: RawToken): Promise<void> {
    const wasShared = this.#engine.index !== undefined
    const result = await this.verify(raw.reveal())
    if (this.#isClosed) return
    const learned = { known: this.#knownOf(raw), index: this.#engine.index, wasShared }
    // Continues as fast as answers come; unanswered ones are asked again later.
    if (this.#watches.learn(watch, result, learned)) this.#askUnseen()
  }

  #learned(digest: TokenDigest, seen: Seen): void {
    const { index } = this.#engine
    if (index !== undefined) this.#watches.seen(digest, seen, index)
  }

  #changed(rules: readonly Rule[] | undefined): void {
    const { index } = this.#engine
    if (index === undefined) return
    if (rules === undefined) this.#watches.reindexed((raw) => this.#knownOf(raw))
    this.#watches.sweep(index, rules)
  }

  #watchLater(): void {
    if (this.#cancelWatch !== undefined || this.#watches.size === 0) return
    this.#cancelWatch = this.#parts.timers.after(WATCH_MS, () => {
      this.#cancelWatch = undefined
      const lag = this.#lag()
      // Not while starting: a watch must not report an end then.
      if (lag === 'stale' && this.#parts.onStale !== 'allow') this.#watches.fireAll(STALE)
      // Asks again only while the server can be reached.
      if (this.state === 'live') this.#askUnseen(ASKED_AGAIN_MAX)
      this.#watchLater()
    })
  }
}
