import type { Realm } from '@rescind/authority'
import { isSuspended, type TokenRecord, type Verdict } from '@rescind/core'
import { grantLifetimeSeconds, type OauthClient } from './directory.ts'

/** A JWT ends on whole seconds: in the last one of a grant nothing can be minted that ends with it. */
const LAST_MS = 1_000

/** When the login was that a code or a refresh token goes back to. */
export function grantedAtMs({ kind, claims, issuedAtMs }: TokenRecord): number {
  // Refresh tokens of earlier versions do not say it: their grants count as begun when these were issued, and say so
  // from the next refresh on.
  const said = kind === 'refresh' ? claims?.grantedAtMs : undefined
  return typeof said === 'number' ? said : issuedAtMs
}

/**
 * When a grant ends, however often it is refreshed: by what its client is set to now, so that less holds for grants
 * that are there already.
 */
export function grantEndMs(client: OauthClient, sinceMs: number): number {
  return sinceMs + grantLifetimeSeconds(client) * 1_000
}

export function isGrantOver(endsAtMs: number, nowMs: number): boolean {
  return endsAtMs - nowMs < LAST_MS
}

/** Whether nothing but a hold keeps it from being used: what would have ended by itself does not come back. */
export function isHeldAlone(
  realm: Realm,
  { verdict, record }: { readonly verdict: Verdict; readonly record: TokenRecord },
): boolean {
  return isSuspended(verdict) && record.expiresAtMs > realm.nowMs()
}
