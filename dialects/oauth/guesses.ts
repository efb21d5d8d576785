import type { Realm } from '@rescind/authority'
import { addressShare } from '../wire/address.ts'
import { type Counted, RateLimit, takeOf, waitSecondsOf } from '../wire/rate.ts'
import type { WireRequest } from '../wire/request.ts'
import type { Claim } from './basic-credentials.ts'

/** The realm of a request and its address. */
export type Asker = { readonly realm: Realm; readonly request: Pick<WireRequest, 'from'> }

/** Wrong secrets for one client from one address: 100 at once, which no mistake reaches, then one every two seconds. */
const OF_CLIENT_PER_SECOND = 0.5
const OF_CLIENT_BURST = 100
/** Wrong secrets for all clients from one address. Without it, made-up client ids would push other limits out of memory. */
const OF_ADDRESS_PER_SECOND = 20
const OF_ADDRESS_BURST = 2_000

/**
 * Limits guessing at secrets (RFC 6749 §2.3.1). An address that sent too many wrong ones is refused, even with the
 * right secret: a different answer for the right one would tell which it is.
 */
export class Guesses {
  readonly #ofClient: RateLimit = new RateLimit(OF_CLIENT_PER_SECOND, OF_CLIENT_BURST)
  readonly #ofAddress: RateLimit = new RateLimit(OF_ADDRESS_PER_SECOND, OF_ADDRESS_BURST)

  /** @returns 0, or the whole seconds for which this caller is refused. */
  waitSeconds(asker: Asker, claims: readonly Claim[]): number {
    if (!this.#ofAddress.knowsAny || claims.length === 0) return 0
    return waitSecondsOf(this.#countedBy(asker, claims), asker.realm.nowMs())
  }

  /** Counts a request whose readings were all wrong. */
  wrong(asker: Asker, claims: readonly Claim[]): void {
    if (claims.length > 0) takeOf(this.#countedBy(asker, claims), asker.realm.nowMs())
  }

  #countedBy(asker: Asker, claims: readonly Claim[]): readonly Counted[] {
    const address = addressOf(asker)
    // The readings of one header may name different clients; it counts as a guess at each.
    const names = [...new Set(claims.map(({ clientId }) => clientId))]
    return [
      { limit: this.#ofAddress, key: address },
      ...names.map((clientId) => ({ limit: this.#ofClient, key: keyOf(address, clientId) })),
    ]
  }
}

/** Realms share no limits. */
function addressOf({ realm, request }: Asker): string {
  return `${realm.ordinal}\0${addressShare(request.from)}`
}

/** No address contains NUL, so keys are unambiguous. Ids longer than any client's share a key with their prefix. */
function keyOf(address: string, clientId: string): string {
  return `${address}\0${clientId.slice(0, KEY_CHARS)}`
}

const KEY_CHARS = 256
