import { covers, type Realm, ruleOn, tokenRule } from '@rescind/authority'
import type { TokenFacts, TokenRecord } from '@rescind/core'
import type { RevokeRule, Target } from '@rescind/core/log'

type OtherTarget = Exclude<Target, { readonly kind: 'token' }>

/** A rule that can be written: the names of a request, found and checked. */
export type Resolved = {
  /** One for each named source. */
  readonly targets: readonly Target[]
  /** The named token, if the rule names one of ours. */
  readonly record?: TokenRecord
  /** The foreign token whose text was presented, verified. */
  readonly presented?: TokenFacts
  /** For foreign tokens: how long after the cutoff a fresh sign-in may still be hit. */
  readonly skewSeconds?: number
}

/** The rules of a resolved request, kept as long as what they cover can live from now on. */
export function rulesOf(realm: Realm, { targets, record, presented }: Resolved): readonly RevokeRule[] {
  if (record !== undefined) return [tokenRule(record)]
  return targets.filter(isOther).map((target) => ruleOn(realm, target, presented))
}

function isOther(target: Target): target is OtherTarget {
  return target.kind !== 'token'
}

/** Whether any of the targets would end this token now. */
export function anyCovers(targets: readonly Target[], facts: TokenFacts): boolean {
  return targets.some((target) => covers(target, facts))
}
