import { type Clock, type RealmOrdinal, StoreUnavailable } from '@rescind/core'
import type { LogHead } from '../log/writes.ts'

/** How long a request waits for a heartbeat before it gets 503. */
export const HEARTBEAT_WAIT_MS = 2_000
/** Pause after a heartbeat that failed. */
const RETRY_MS = 20
/** Heartbeats per bound while nobody waits for one: two may fail without a request noticing. */
const PER_BOUND = 3
/** However long the bound is, streams end once a node has had no heartbeat for two seconds. */
const PAUSE_MAX_MS = 500

/** Runs a task later. @returns a function that cancels it. */
export type Later = (ms: number, task: () => void) => () => void

/** The ends of those logs that moved since the last heartbeat whose answer came. */
export type Heads = ReadonlyMap<RealmOrdinal, LogHead>

export type HeartbeatParts = {
  /**
   * Raises the counter in this node's lease row and then, once that is committed, reads the heads. Undefined: its outcome is
   * not known, a notice came with it, or it took too long.
   */
  readonly beat: () => Promise<Heads | undefined>
  /** Resolves once all of these are folded and published. False: they could not be read to their ends. */
  readonly folded: (heads: Heads) => Promise<boolean>
  readonly clock: Clock
  readonly later: Later
  readonly boundMs: number
}

type Sent = { readonly monotonicMs: number; readonly wallMs: number }
type Waiting = {
  /** Heartbeats that were begun before it came. */
  readonly after: number
  /** A heartbeat that was begun before it came will do, while that counts. */
  readonly takesEarlier: boolean
  readonly settle: () => void
  readonly fail: (error: unknown) => void
}

/**
 * Says whether this node knows everything that was acknowledged before now. It does while its last heartbeat was sent within
 * the bound, and was folded. Otherwise a request waits for one that is begun after it arrived, however long that takes.
 * Timers only begin heartbeats: a stopped process runs none, so the clocks are read for each request.
 */
export class Heartbeat {
  readonly #parts: HeartbeatParts
  #last: Sent | undefined
  readonly #waiting: Set<Waiting> = new Set()
  #begun = 0
  #isBeating = false
  #lapses = 0
  #isClosed = false
  #cancel: () => void = () => {}

  constructor(parts: HeartbeatParts) {
    this.#parts = parts
  }

  start(): void {
    void this.#beat()
  }

  close(): void {
    this.#isClosed = true
    this.#cancel()
    for (const one of this.#waiting) one.fail(new StoreUnavailable('the server is stopping'))
  }

  /** What was heard up to here counts no more. */
  lapse(): void {
    this.#last = undefined
    this.#lapses += 1
  }

  /**
   * Call it after a request arrived and before its token is judged. A machine that was suspended may have stopped the
   * monotonic clock, so whichever clock shows the longer time counts.
   */
  get isFresh(): boolean {
    return this.ageMs <= this.#parts.boundMs
  }

  /** Milliseconds since the last folded heartbeat was sent, by whichever clock shows the longer time. */
  get ageMs(): number {
    if (this.#last === undefined) return Number.POSITIVE_INFINITY
    const { clock } = this.#parts
    const monotonicMs = clock.monotonicMs() - this.#last.monotonicMs
    return Math.max(monotonicMs, clock.wallMs() - this.#last.wallMs)
  }

  /** Resolves when a request that arrived before the call may get a positive answer. @throws StoreUnavailable. */
  async fresh(): Promise<void> {
    if (!this.isFresh) await this.#wait(true)
  }

  /** Resolves with a heartbeat that is begun after the call. @throws StoreUnavailable. */
  next(): Promise<void> {
    return this.#wait(false)
  }

  async #wait(takesEarlier: boolean): Promise<void> {
    if (this.#isClosed) throw new StoreUnavailable('the server is stopping')
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const one = { after: this.#begun, takesEarlier, settle: resolve, fail: reject }
    const cancel = this.#parts.later(HEARTBEAT_WAIT_MS, () => {
      reject(new StoreUnavailable('the store did not take a heartbeat in time'))
    })
    this.#waiting.add(one)
    void this.#beat()
    try {
      await promise
    } finally {
      cancel()
      this.#waiting.delete(one)
    }
  }

  /** Never rejects. */
  async #beat(): Promise<void> {
    if (this.#isBeating || this.#isClosed) return
    this.#isBeating = true
    this.#cancel()
    this.#begun += 1
    const isFolded = await this.#sent()
    this.#isBeating = false
    const isFresh = this.isFresh
    for (const one of this.#waiting) {
      if (!(one.takesEarlier && isFresh) && !(isFolded && one.after < this.#begun)) continue
      this.#waiting.delete(one)
      one.settle()
    }
    this.#schedule(isFolded)
  }

  async #sent(): Promise<boolean> {
    const { beat, folded, clock } = this.#parts
    const sent = { monotonicMs: clock.monotonicMs(), wallMs: clock.wallMs() }
    const lapses = this.#lapses
    const heads = await beat()
    if (heads === undefined || !(await folded(heads)) || this.#lapses !== lapses) return false
    this.#last = sent
    return true
  }

  #schedule(isFolded: boolean): void {
    const { later, boundMs } = this.#parts
    if (this.#isClosed) return
    const pauseMs = isFolded ? Math.min(boundMs / PER_BOUND, PAUSE_MAX_MS) : RETRY_MS
    this.#cancel = later(isFolded && this.#waiting.size > 0 ? 0 : pauseMs, () => {
      void this.#beat()
    })
  }
}
