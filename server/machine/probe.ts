import type { Realms } from '@rescind/authority'
import { StoreUnavailable } from '@rescind/core'

/** The least time between two probes, because each is a flush and any client may ask. */
const PROBE_EVERY_MS = 1_000

/** Whether the store takes writes. The disk is asked once a second at most, however many callers ask. */
export class Probe {
  readonly #ledger: Realms['ledger']
  readonly #monotonicMs: () => number
  #last: { readonly atMs: number; readonly outcome: Promise<void>; isOver: boolean } | undefined

  constructor(ledger: Realms['ledger'], monotonicMs: () => number) {
    this.#ledger = ledger
    this.#monotonicMs = monotonicMs
  }

  /** @throws StoreUnavailable, Overloaded. */
  ask(): Promise<void> {
    const nowMs = this.#monotonicMs()
    if (this.#last === undefined || nowMs - this.#last.atMs >= PROBE_EVERY_MS) {
      const last = { atMs: nowMs, outcome: this.#ledger.probe(), isOver: false }
      const over = (): void => {
        last.isOver = true
      }
      last.outcome.then(over, over)
      this.#last = last
      return last.outcome
    }
    // A flush has failed since, so the last answer is known to be wrong.
    if (this.#last.isOver && this.#ledger.broken)
      return Promise.reject(new StoreUnavailable('the last flush failed'))
    return this.#last.outcome
  }
}
