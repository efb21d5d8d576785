import type { IssuingQuota } from '@rescind/authority'
import { RateLimit } from '@rescind/dialects'

/** Over how long the rate is averaged: as much as comes together in this time may be issued at once. */
const AVERAGED_OVER_SECONDS = 3_600

/**
 * How many tokens each caller may have issued: a token costs its room until it has expired, and a revocation its row for as
 * long as the audit is kept. Revoking has no quota, so this is what bounds the log (docs/limits.md).
 * @param perSecond 0: no quota.
 */
export function issuingQuota(perSecond: number, monotonicMs: () => number): IssuingQuota {
  const limit = new RateLimit(perSecond, perSecond * AVERAGED_OVER_SECONDS)
  return {
    waitSeconds: (realm, caller) => limit.waitSeconds(`${realm} ${caller}`, monotonicMs()),
    issued: (realm, caller) => void limit.take(`${realm} ${caller}`, monotonicMs()),
  }
}
