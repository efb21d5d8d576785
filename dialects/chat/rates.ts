import type { Realm } from '@rescind/authority'
import { addressShare } from '../wire/address.ts'
import { RateLimit } from '../wire/rate.ts'
import type { ChatApp } from './directory.ts'

/** Calls a second that one address may make with nothing but a client key, which is public. */
const PUBLIC_PER_SECOND = 50
const SECONDS_PER_MINUTE = 60

type Limit = { readonly perMinute: number; readonly limit: RateLimit }

/**
 * How often an app's API key may call: so many a minute, all of them at once if they were saved up. Revoking is never
 * limited: the hour in which tokens have leaked is the one in which a limit does most harm.
 */
export class ChatRates {
  readonly #perMinute: number
  readonly #public: RateLimit = new RateLimit(PUBLIC_PER_SECOND)
  /** One for each app: apps are made by operators, so there are few. */
  readonly #apps: Map<string, Limit> = new Map()

  /** @param perMinute what apps without a number of their own may do; 0 switches the limit off. */
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

  /** For calls that a public key and a guess are enough for. @returns 0, or the seconds to wait. */
  takePublic(realm: Realm, app: ChatApp, from: string): number {
    return this.#public.take(`${realm.ordinal}/${app.name}/${addressShare(from)}`, realm.nowMs())
  }
}
