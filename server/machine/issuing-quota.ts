import type { IssuingQuota } from '@rescind/authority'
import { RateLimit } from '@rescind/dialects'

/** The rate is averaged over this time: one such period's worth of tokens may be issued at once. */
const AVERAGED_OVER_SECONDS = 3_600

/**
 * Limits how many tokens each caller may have issued. A token takes up room until it has expired, and its revocation
 * takes up a row for as long as the audit is kept. Revoking has no quota, so this quota is what bounds the log
 * (docs/limits.md).
 * @param perSecond 0: no quota.
 */
export function issuingQuota(perSecond: number, monotonicMs: () => number): IssuingQuota {
  const limit = new RateLimit(perSecond, perSecond * AVERAGED_OVER_SECONDS)
  return {
    waitSeconds: (realm, caller) => limit.waitSeconds(`${realm} ${caller}`, monotonicMs()),
    issued: (realm, caller) => void limit.take(`${realm} ${caller}`, monotonicMs()),
  }
}
