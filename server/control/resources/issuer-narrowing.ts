import type { IssuerValue } from '@rescind/authority'
import { type ClaimMap, FOREIGN_TYPES } from '@rescind/core/tokens'

/** Whether tokens that the old terms accepted may be refused by the new ones. Such tokens end on every verifier. */
export function isNarrower(now: IssuerValue, before: IssuerValue): boolean {
  if (!now.enabled && before.enabled) return true
  if (now.maxLifetimeSeconds < before.maxLifetimeSeconds) return true
  if (now.withoutIat !== true && before.withoutIat === true) return true
  if (before.algorithms.some((one) => !now.algorithms.includes(one))) return true
  if (now.jwksUrl !== before.jwksUrl || isMissing(now.keys, before.keys)) return true
  if (now.audience !== undefined && isMissing(now.audience, before.audience)) return true
  if (now.types !== undefined && isMissing(now.types, before.types ?? FOREIGN_TYPES)) return true
  const names = Object.keys(before.claims) as (keyof ClaimMap)[]
  return names.some((name) => now.claims[name] !== before.claims[name])
}

/** Whether the newer list lacks something of the older one; an absent older list allowed everything. */
function isMissing(now: readonly unknown[] | undefined, before: readonly unknown[] | undefined): boolean {
  if (before === undefined) return now !== undefined
  const kept = new Set((now ?? []).map((one) => JSON.stringify(one)))
  return before.some((one) => !kept.has(JSON.stringify(one)))
}
