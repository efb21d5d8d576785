import type { Realm } from '@rescind/authority'
import { addressShare } from '../wire/address.ts'
import { RateLimit } from '../wire/rate.ts'
import type { ChatApp } from './directory.ts'

/** Calls per second that one address may make with the public client key alone. */
const PUBLIC_PER_SECOND = 50
const SECONDS_PER_MINUTE = 60

type Limit = { readonly perMinute: number; readonly limit: RateLimit }

/**
 * Rate limits per app: a number of calls per minute, which may be saved up and used at once. Revoking is never limited,
 * because a limit does most harm while tokens are leaking.
 */
export class ChatRates {
  readonly #perMinute: number
  readonly #public: RateLimit = new RateLimit(PUBLIC_PER_SECOND)
  /** One per app. Operators create apps, so there are few. */
  readonly #apps: Map<string, Limit> = new Map()

  /** @param perMinute the limit of apps that set none; 0 switches it off. */
  constructor(perMinute: number) {
    this.#perMinute = perMinute
  }

  /** @returns 0, or the seconds to wait. */
  takeAdmin(realm: Realm, app: ChatApp): number {
    const perMinute = app.requestsPerMinute ?? this.#perMinute
    const key = `${realm.ordinal}/${app.name}`
    const known = this.#apps.get(key)
    if (known?.perMinute === perMinute) return known.limit.take(key, realm.nowMs())
    const limit = new RateLimit(perMinute / SECONDS_PER_MINUTE, perMinute)
    this.#apps.set(key, { perMinute, limit })
    return limit.take(key, realm.nowMs())
  }

  /** For calls that need only a public key and a guessed token. @returns 0, or the seconds to wait. */
  takePublic(realm: Realm, app: ChatApp, from: string): number {
    return this.#public.take(`${realm.ordinal}/${app.name}/${addressShare(from)}`, realm.nowMs())
  }
}
