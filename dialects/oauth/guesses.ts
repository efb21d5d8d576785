import { RateLimit } from '../wire/rate.ts'
import type { Claim } from './basic-credentials.ts'
import type { Call } from './call.ts'

/** Wrong secrets for a client from one address: 100 at once, which no mistake reaches, then one every two seconds. */
const WRONG_PER_SECOND = 0.5
const WRONG_BURST = 100

/**
 * RFC 6749 §2.3.1 wants secrets guarded against guessing. Who has sent too many wrong ones is not heard, not with the
 * right one either, or guessing would only become slower to read; nobody else is locked out by it.
 */
export class Guesses {
  readonly #wrong: RateLimit = new RateLimit(WRONG_PER_SECOND, WRONG_BURST)

  /** @returns 0, or the whole seconds after which this caller is heard again. */
  waitSeconds({ realm, request: { from } }: Call, claims: readonly Claim[]): number {
    if (!this.#wrong.knowsAny) return 0
    const nowMs = realm.nowMs()
    return Math.max(0, ...claims.map(({ clientId }) => this.#wrong.waitSeconds(keyOf(from, clientId), nowMs)))
  }

  /** None of these was right. */
  wrong({ realm, request: { from } }: Call, claims: readonly Claim[]): void {
    const nowMs = realm.nowMs()
    // Readings of one header may name two clients: each of them was guessed at.
    const names = new Set(claims.map(({ clientId }) => clientId))
    for (const clientId of names) this.#wrong.take(keyOf(from, clientId), nowMs)
  }
}

/** An address holds no NUL. Names that no client could have share the fate of what they begin with. */
function keyOf(from: string, clientId: string): string {
  return `${from}\0${clientId.slice(0, KEY_CHARS)}`
}

const KEY_CHARS = 256
