import type { Realm } from '@rescind/authority'
import { addressShare } from '../wire/address.ts'
import { type Counted, RateLimit, takeOf, waitSecondsOf } from '../wire/rate.ts'
import type { WireRequest } from '../wire/request.ts'
import type { Claim } from './basic-credentials.ts'

/** In which realm, and from where. */
export type Asker = { readonly realm: Realm; readonly request: Pick<WireRequest, 'from'> }

/** Wrong secrets for one client from one address: 100 at once, which no mistake reaches, then one every two seconds. */
const OF_CLIENT_PER_SECOND = 0.5
const OF_CLIENT_BURST = 100
/** Wrong secrets for all clients from one address: or else made-up names would make the limits of others forgotten. */
const OF_ADDRESS_PER_SECOND = 20
const OF_ADDRESS_BURST = 2_000

/**
 * RFC 6749 §2.3.1 wants secrets guarded against guessing: who has sent too many wrong ones is not heard, whatever comes
 * next. An answer of another kind for the right one, wherever that has proved itself before, would tell which it is.
 */
export class Guesses {
  readonly #ofClient: RateLimit = new RateLimit(OF_CLIENT_PER_SECOND, OF_CLIENT_BURST)
  readonly #ofAddress: RateLimit = new RateLimit(OF_ADDRESS_PER_SECOND, OF_ADDRESS_BURST)

  /** @returns 0, or the whole seconds after which this caller is heard again. */
  waitSeconds(asker: Asker, claims: readonly Claim[]): number {
    if (!this.#ofAddress.knowsAny || claims.length === 0) return 0
    return waitSecondsOf(this.#countedBy(asker, claims), asker.realm.nowMs())
  }

  /** None of these was right. */
  wrong(asker: Asker, claims: readonly Claim[]): void {
    if (claims.length > 0) takeOf(this.#countedBy(asker, claims), asker.realm.nowMs())
  }

  #countedBy(asker: Asker, claims: readonly Claim[]): readonly Counted[] {
    const address = addressOf(asker)
    // Readings of one header may name two clients: each of them was guessed at.
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

/** No address holds a NUL. Names that no client could have share the fate of what they begin with. */
function keyOf(address: string, clientId: string): string {
  return `${address}\0${clientId.slice(0, KEY_CHARS)}`
}

const KEY_CHARS = 256
