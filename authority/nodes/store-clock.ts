import type { Clock } from '@rescind/core'

/**
 * Wall time as the store has it: what its last answer said, and own monotonic time since that answer came. So it is at most
 * behind the store, and nothing ends early. It never falls.
 */
export class StoreClock implements Clock {
  readonly #own: Clock
  #offsetMs = Number.NEGATIVE_INFINITY
  #lastMs = 0

  constructor(own: Clock) {
    this.#own = own
  }

  /** Call when the answer came. */
  settle(nowMs: number): void {
    this.#offsetMs = nowMs - this.#own.monotonicMs()
  }

  wallMs(): number {
    const nowMs = Math.floor(this.#offsetMs + this.#own.monotonicMs())
    if (nowMs > this.#lastMs) this.#lastMs = nowMs
    return this.#lastMs
  }

  monotonicMs(): number {
    return this.#own.monotonicMs()
  }

  /** By how much the machine's own wall clock is ahead of the store's; negative: behind. */
  get driftMs(): number {
    return this.#own.wallMs() - this.wallMs()
  }
}
