import { addressShare } from './address.ts'
import { RateLimit } from './rate.ts'

/** Different wrong keys from one address: so many at once, then so many a second. */
export const WRONG_KEYS_BURST = 1_000
const WRONG_KEYS_PER_SECOND = 5
/** Wrong keys that are known as such. */
const KNOWN_MAX = 10_000

/**
 * Guessing at keys that open something by themselves. Who has sent too many wrong ones is not heard, whatever comes next.
 * A wrong key that comes again is no new guess: a fleet with a key that was revoked must not shut out its neighbours.
 */
export class WrongKeys {
  readonly #limit: RateLimit = new RateLimit(WRONG_KEYS_PER_SECOND, WRONG_KEYS_BURST)
  /** Keyed digests, the oldest first. */
  readonly #known: Set<string> = new Set()

  /**
   * @param within what has its guesses counted apart: one address is unhurt there by what it guesses elsewhere.
   * @returns 0, or the whole seconds after which this address is heard again, whether its key is good or not.
   */
  waitSeconds(from: string, nowMs: number, within = ''): number {
    return this.#limit.knowsAny ? this.#limit.waitSeconds(keyOf(from, within), nowMs) : 0
  }

  /** @param digest of what was presented. */
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
