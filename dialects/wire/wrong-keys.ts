import { addressShare } from './address.ts'
import { RateLimit } from './rate.ts'

/** Different wrong keys that one address may send at once; WRONG_KEYS_PER_SECOND more become available each second. */
export const WRONG_KEYS_BURST = 1_000
const WRONG_KEYS_PER_SECOND = 5
/** Wrong keys remembered, so that a repeat is not counted again. */
const KNOWN_MAX = 10_000

/**
 * Limits guessing at keys. An address that has sent too many wrong keys is refused, even with a good key. A wrong key
 * that comes again is not a new guess: a fleet with a revoked key must not lock out its neighbours.
 */
export class WrongKeys {
  readonly #limit: RateLimit = new RateLimit(WRONG_KEYS_PER_SECOND, WRONG_KEYS_BURST)
  /** Keyed digests, the oldest first. */
  readonly #known: Set<string> = new Set()

  /**
   * @param within counts guesses separately: guesses elsewhere do not count here.
   * @returns 0, or the whole seconds for which this address is refused.
   */
  waitSeconds(from: string, nowMs: number, within = ''): number {
    return this.#limit.knowsAny ? this.#limit.waitSeconds(keyOf(from, within), nowMs) : 0
  }

  /** @param digest the keyed digest of the wrong key. */
  wrong(digest: string, from: string, { nowMs, within = '' }: { nowMs: number; within?: string }): void {
    if (this.#known.has(digest)) return
    this.#limit.take(keyOf(from, within), nowMs)
    this.#known.add(digest)
    const [oldest] = this.#known
    if (this.#known.size > KNOWN_MAX && oldest !== undefined) this.#known.delete(oldest)
  }
}

function keyOf(from: string, within: string): string {
  return `${within}/${addressShare(from)}`
}
