import { addressShare, RateLimit } from '@rescind/dialects'
import { type Problem, problem } from './problem.ts'

/** Different wrong keys from one address: so many at once, then so many a second. */
export const WRONG_KEYS_BURST = 1_000
const WRONG_KEYS_PER_SECOND = 5
/** Wrong keys that are known as such. */
const KNOWN_MAX = 10_000

/**
 * Guessing at control keys and the keys of verifiers. Who has sent too many wrong ones is not heard, whatever comes next.
 * A wrong key that comes again is no new guess: a fleet with a key that was revoked must not shut out its neighbours.
 */
export class KeyGuesses {
  readonly #limit: RateLimit = new RateLimit(WRONG_KEYS_PER_SECOND, WRONG_KEYS_BURST)
  /** Keyed digests, the oldest first. */
  readonly #known: Set<string> = new Set()
  readonly #nowMs: () => number

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs
  }

  /** The problem for a locked address, whether its key is good or not. */
  refuse(from: string): Problem | undefined {
    if (!this.#limit.knowsAny) return undefined
    const waitSeconds = this.#limit.waitSeconds(addressShare(from), this.#nowMs())
    if (waitSeconds === 0) return undefined
    return problem(429, 'too many wrong keys came from this address', { 'retry-after': String(waitSeconds) })
  }

  /** @param digest of what was presented. */
  wrong(from: string, digest: string): void {
    if (this.#known.has(digest)) return
    this.#limit.take(addressShare(from), this.#nowMs())
    this.#known.add(digest)
    const [oldest] = this.#known
    if (this.#known.size > KNOWN_MAX && oldest !== undefined) this.#known.delete(oldest)
  }
}
