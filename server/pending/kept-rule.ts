import {
  type Audit,
  type Caller,
  isStoredTarget,
  type Members,
  type Operation,
  type Realm,
  rowsOf,
  ruleOn,
  shaped,
} from '@rescind/authority'
import { KEEP_FOREVER_MS } from '@rescind/core'
import { defined } from '@rescind/core/bytes'
import type { CutoffAsOf, RevokeRule, Target } from '@rescind/core/log'
import { credentialsEnded } from '@rescind/dialects'

/** A rule that is to be written later: what it was resolved to when it was asked for. */
export type KeptRule = {
  readonly targets: readonly Target[]
  /** Of one token that was shown, ours or foreign: until when a rule on it has to be kept. */
  readonly tokenKeepUntilMs?: number
  readonly skewSeconds?: number
  /** Whether what a person logs in by stays; absent: it ends with a cutoff over that person. */
  readonly keepCredentials?: boolean
  readonly reason: string
  readonly note?: string
  /** Who asked for it. */
  readonly by: string
  /** As `Audit.byName`. */
  readonly byName?: string
}

/** Whether stored members form a kept rule. One target of an unknown kind refuses the whole rule. */
export function isKeptRule(value: Members): boolean {
  const { targets } = value
  return SHAPE(value) && Array.isArray(targets) && targets.length > 0 && targets.every(isStoredTarget)
}

const SHAPE = shaped(
  { targets: 'list', reason: 'text', by: 'text' },
  {
    byName: 'text',
    note: 'text',
    tokenKeepUntilMs: 'number',
    skewSeconds: 'number',
    keepCredentials: 'flag',
  },
)

/** The rules of it as of now; or, with `asOf`, ending nothing that came later than that. */
export function rulesNow(realm: Realm, kept: KeptRule, asOf?: CutoffAsOf): readonly RevokeRule[] {
  return kept.targets.map((target) => {
    if (target.kind === 'token' || target.kind === 'foreign')
      return { kind: 'revoke', target, keepUntilMs: kept.tokenKeepUntilMs ?? KEEP_FOREVER_MS }
    return ruleOn(realm, target.kind === 'cut' && asOf !== undefined ? { ...target, asOf } : target)
  })
}

/** These rules as rows, and before them what ends with them in the Identity directory. */
export async function rowsWithAll(
  realm: Realm,
  rules: readonly RevokeRule[],
  {
    audit,
    keepCredentials = false,
  }: { readonly audit: Audit; readonly keepCredentials?: boolean | undefined },
): Promise<readonly Operation[]> {
  const ended = keepCredentials ? [] : await credentialsEnded(realm, rules, audit)
  return [...ended, ...rowsOf(realm, rules, audit)]
}

/** The caller of what the server does on its own. */
export const SERVER: Pick<Caller, 'id' | 'from'> = { id: 'server', from: 'local' }

/** What the audit of it says beside who and why. */
export function auditMembers({ note, skewSeconds }: KeptRule): Pick<Audit, 'note' | 'skewSeconds'> {
  return defined({ note, skewSeconds })
}
