import { addressShare } from '../../wire/address.ts'
import { type Counted, RateLimit, takeOf, waitSecondsOf } from '../../wire/rate.ts'
import type { Asker } from './asker.ts'

/** Wrong passcodes for one user from one address: five at once, then one in ten seconds. */
const OF_CALLER_PER_SECOND = 0.1
const OF_CALLER_BURST = 5
/** Wrong passcodes for one user from all addresses. Guessing six digits then takes weeks. */
export const OF_USER_BURST = 50
const OF_USER_PER_SECOND = 0.1
/** Wrong passcodes for all names from one address. Without it, made-up names would push other limits out of memory. */
export const OF_ADDRESS_BURST = 200
const OF_ADDRESS_PER_SECOND = 2

/** An attempt with a passcode. */
export type Attempt = {
  /** The user as named in the request. */
  readonly presented: string
  /** That user; undefined if there is none. */
  readonly userId: string | undefined
  /** The same request, or the session that it continues, has proved another factor of this user. */
  readonly isProved: boolean
}

export type Tried<T> =
  | { readonly kind: 'right'; readonly proof: T }
  | { readonly kind: 'wrong' }
  | { readonly kind: 'over-limit'; readonly waitSeconds: number }

const WRONG = { kind: 'wrong' } as const

/**
 * Limits wrong passcodes, which are short, by caller and victim. Callers who have proved another factor of the user are
 * counted separately, so that strangers cannot lock them out. Strangers are counted by the name that they send, which
 * does not tell whether the user exists. A user with several names is also counted as one; that limit refuses silently.
 */
export class PasscodeGuesses {
  readonly #proved: RateLimit = new RateLimit(OF_USER_PER_SECOND, OF_USER_BURST)
  readonly #provedHere: RateLimit = new RateLimit(OF_CALLER_PER_SECOND, OF_CALLER_BURST)
  readonly #address: RateLimit = new RateLimit(OF_ADDRESS_PER_SECOND, OF_ADDRESS_BURST)
  readonly #name: RateLimit = new RateLimit(OF_USER_PER_SECOND, OF_USER_BURST)
  readonly #nameHere: RateLimit = new RateLimit(OF_CALLER_PER_SECOND, OF_CALLER_BURST)
  /** Holds only existing users, so made-up names cannot fill it. */
  readonly #user: RateLimit = new RateLimit(OF_USER_PER_SECOND, OF_USER_BURST)

  /** @param prove compares. It must not await, or many concurrent attempts would each count as the first. */
  tried<T>(asker: Asker, attempt: Attempt, prove: () => T | undefined): Tried<T> {
    const nowMs = asker.realm.nowMs()
    const counted = this.#countedBy(asker, attempt)
    const waitSeconds = waitSecondsOf(counted, nowMs)
    if (waitSeconds > 0) return { kind: 'over-limit', waitSeconds }
    const unsaid = this.#unsaidFor(asker, attempt)
    const proof = waitSecondsOf(unsaid, nowMs) === 0 ? prove() : undefined
    if (proof !== undefined) return { kind: 'right', proof }
    takeOf([...counted, ...unsaid], nowMs)
    return WRONG
  }

  #countedBy(asker: Asker, attempt: Attempt): readonly Counted[] {
    const { realm, request } = asker
    const here = `${realm.ordinal}/${addressShare(request.from)}`
    if (attempt.isProved) {
      const key = userKey(asker, attempt)
      return [
        { limit: this.#proved, key },
        { limit: this.#provedHere, key: `${here}/${key}` },
      ]
    }
    // A digest, because a name can be long.
    const name = realm.secretDigest(attempt.presented)
    return [
      { limit: this.#address, key: here },
      { limit: this.#name, key: `${realm.ordinal}/${name}` },
      { limit: this.#nameHere, key: `${here}/${name}` },
    ]
  }

  /** Limits that a stranger must not notice, because they would tell which user is meant. */
  #unsaidFor(asker: Asker, attempt: Attempt): readonly Counted[] {
    return attempt.isProved || attempt.userId === undefined
      ? []
      : [{ limit: this.#user, key: userKey(asker, attempt) }]
  }
}

/** Users of two realms are different, even with the same name. */
function userKey({ realm }: Asker, { userId }: Attempt): string {
  return `${realm.ordinal}/${userId ?? ''}`
}
