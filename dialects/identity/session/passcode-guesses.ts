import { addressShare } from '../../wire/address.ts'
import { type Counted, RateLimit, takeOf, waitSecondsOf } from '../../wire/rate.ts'
import type { Asker } from './asker.ts'

/** Wrong passcodes for one user from one address: five at once, then one in ten seconds. */
const OF_CALLER_PER_SECOND = 0.1
const OF_CALLER_BURST = 5
/** Wrong passcodes for one user from all addresses. Six digits then last for weeks. */
export const OF_USER_BURST = 50
const OF_USER_PER_SECOND = 0.1
/** Wrong passcodes for all names from one address: or else made-up names would make the limits of others forgotten. */
export const OF_ADDRESS_BURST = 200
const OF_ADDRESS_PER_SECOND = 2

/** A passcode that somebody presents. */
export type Attempt = {
  /** Who it is said to be of, in the words of the request. */
  readonly presented: string
  /** Who that is; undefined for nobody. */
  readonly userId: string | undefined
  /** The same request, or the session that it goes on with, has proved another factor of this user. */
  readonly isProved: boolean
}

export type Tried<T> =
  | { readonly kind: 'right'; readonly proof: T }
  | { readonly kind: 'wrong' }
  | { readonly kind: 'over-limit'; readonly waitSeconds: number }

const WRONG = { kind: 'wrong' } as const

/**
 * Passcodes are short, so wrong ones are counted, by caller and victim. Those who have proved another factor of the user
 * are counted apart: no stranger locks them out. Strangers are counted by what they present, which tells nothing about
 * whether it is anybody; a user who is named in several ways is also counted as one, and then not heard without a word.
 */
export class PasscodeGuesses {
  readonly #proved: RateLimit = new RateLimit(OF_USER_PER_SECOND, OF_USER_BURST)
  readonly #provedHere: RateLimit = new RateLimit(OF_CALLER_PER_SECOND, OF_CALLER_BURST)
  readonly #address: RateLimit = new RateLimit(OF_ADDRESS_PER_SECOND, OF_ADDRESS_BURST)
  readonly #name: RateLimit = new RateLimit(OF_USER_PER_SECOND, OF_USER_BURST)
  readonly #nameHere: RateLimit = new RateLimit(OF_CALLER_PER_SECOND, OF_CALLER_BURST)
  /** Holds none but users that there are, so nobody fills it with names. */
  readonly #user: RateLimit = new RateLimit(OF_USER_PER_SECOND, OF_USER_BURST)

  /** @param prove compares; it must not await, or many attempts at once would each be the first. */
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
    // A digest: names are as long as their sender likes.
    const name = realm.secretDigest(attempt.presented)
    return [
      { limit: this.#address, key: here },
      { limit: this.#name, key: `${realm.ordinal}/${name}` },
      { limit: this.#nameHere, key: `${here}/${name}` },
    ]
  }

  /** What a stranger is not told of, or it would tell who is meant. */
  #unsaidFor(asker: Asker, attempt: Attempt): readonly Counted[] {
    return attempt.isProved || attempt.userId === undefined
      ? []
      : [{ limit: this.#user, key: userKey(asker, attempt) }]
  }
}

/** Users of two realms are two, whatever they are called. */
function userKey({ realm }: Asker, { userId }: Attempt): string {
  return `${realm.ordinal}/${userId ?? ''}`
}
