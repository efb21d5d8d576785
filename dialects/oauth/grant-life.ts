import type { Realm } from '@rescind/authority'
import { isSuspended, type TokenRecord, type Verdict } from '@rescind/core'
import { grantLifetimeSeconds, type OauthClient } from './directory.ts'

/** JWTs end on whole seconds, so a grant in its last second can mint none that ends with it. */
const LAST_MS = 1_000

/** When the login of the grant took place. */
export function grantedAtMs({ kind, claims, issuedAtMs }: TokenRecord): number {
  // Refresh tokens of earlier versions lack this claim. Their grants count from the token's issue, and the next refresh
  // records that.
  const said = kind === 'refresh' ? claims?.grantedAtMs : undefined
  return typeof said === 'number' ? said : issuedAtMs
}

/**
 * When a grant ends, however often it is refreshed. The client's current setting applies, so a shorter lifetime also
 * holds for existing grants.
 */
export function grantEndMs(client: OauthClient, sinceMs: number): number {
  return sinceMs + grantLifetimeSeconds(client) * 1_000
}

export function isGrantOver(endsAtMs: number, nowMs: number): boolean {
  return endsAtMs - nowMs < LAST_MS
}

/** Whether a hold is the only reason why the token is unusable. A token that has also expired does not come back. */
export function isHeldAlone(
  realm: Realm,
  { verdict, record }: { readonly verdict: Verdict; readonly record: TokenRecord },
): boolean {
  return isSuspended(verdict) && record.expiresAtMs > realm.nowMs()
}
