import { addressShare } from '../../wire/address.ts'
import { RateLimit, takeOf, waitSecondsOf } from '../../wire/rate.ts'
import type { Asker } from './asker.ts'

/** Messages to one user that one address requests: five at once, then one in thirty seconds. */
export const MESSAGES_OF_CALLER_BURST = 5
const OF_CALLER_PER_SECOND = 1 / 30
/** Messages to one user from all addresses. One address alone cannot use them up. */
export const MESSAGES_OF_USER_BURST = 15
const OF_USER_PER_SECOND = 0.1

/** Limits text messages and mails, which cost money and patience, by kind, caller and recipient. */
export class MessageLimits {
  readonly #user: RateLimit = new RateLimit(OF_USER_PER_SECOND, MESSAGES_OF_USER_BURST)
  readonly #here: RateLimit = new RateLimit(OF_CALLER_PER_SECOND, MESSAGES_OF_CALLER_BURST)

  /** @returns 0 when the message may be sent, else the seconds to wait. */
  take({ realm, request }: Asker, kind: 'sms' | 'mail', userId: string): number {
    const nowMs = realm.nowMs()
    const user = `${realm.ordinal}/${kind}/${userId}`
    const counted = [
      { limit: this.#user, key: user },
      { limit: this.#here, key: `${user}/${addressShare(request.from)}` },
    ]
    const waitSeconds = waitSecondsOf(counted, nowMs)
    if (waitSeconds === 0) takeOf(counted, nowMs)
    return waitSeconds
  }
}
