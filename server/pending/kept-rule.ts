import {
  type Audit,
  type CutAsOf,
  KEEP_FOREVER_MS,
  type Realm,
  type RevokeRule,
  ruleOn,
  type Target,
} from '@rescind/core'

/** A rule that is to be written later: what it was resolved to when it was asked for. */
export type KeptRule = {
  readonly targets: readonly Target[]
  /** Of one token: until when a rule on it has to be kept. */
  readonly tokenKeepUntilMs?: number
  readonly skewSeconds?: number
  readonly reason: string
  readonly note?: string
  /** Whose wish it is. */
  readonly by: string
}

/** The rules of it as of now; or, with `asOf`, ending nothing that came later than that. */
export function rulesNow(realm: Realm, kept: KeptRule, asOf?: CutAsOf): readonly RevokeRule[] {
  return kept.targets.map((target) => {
    if (target.kind === 'token')
      return { kind: 'revoke', target, keepUntilMs: kept.tokenKeepUntilMs ?? KEEP_FOREVER_MS }
    return ruleOn(realm, target.kind === 'cut' && asOf !== undefined ? { ...target, asOf } : target)
  })
}

/** What the audit of it says beside who and why. */
export function auditMembers({ note, skewSeconds }: KeptRule): Pick<Audit, 'note' | 'skewSeconds'> {
  return {
    ...(note === undefined ? {} : { note }),
    ...(skewSeconds === undefined ? {} : { skewSeconds }),
  }
}
