import {
  type Audit,
  type Caller,
  isStoredTarget,
  type Members,
  type Realm,
  rowsOf,
  ruleOn,
  shaped,
  type Write,
} from '@rescind/authority'
import { KEEP_FOREVER_MS } from '@rescind/core'
import { defined } from '@rescind/core/bytes'
import type { CutoffAsOf, RevokeRule, Target } from '@rescind/core/log'
import { credentialsEnded } from '@rescind/dialects'

/** A rule to write later, as it was resolved when it was requested. */
export type KeptRule = {
  readonly targets: readonly Target[]
  /** For one token that was presented, ours or foreign: how long a rule on it must be kept. */
  readonly tokenKeepUntilMs?: number
  readonly skewSeconds?: number
  /** Whether the person's long-lived credentials stay; absent: they end with a cutoff over that person. */
  readonly keepCredentials?: boolean
  readonly reason: string
  readonly note?: string
  /** The author of the request. */
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

/** Its rules as of now; with `asOf`, they end nothing that was issued after that. */
export function rulesNow(realm: Realm, kept: KeptRule, asOf?: CutoffAsOf): readonly RevokeRule[] {
  return kept.targets.map((target) => {
    if (target.kind === 'token' || target.kind === 'foreign')
      return { kind: 'revoke', target, keepUntilMs: kept.tokenKeepUntilMs ?? KEEP_FOREVER_MS }
    return ruleOn(realm, target.kind === 'cut' && asOf !== undefined ? { ...target, asOf } : target)
  })
}

/** What a write with these rules consists of: their rows, after what ends credentials in the Identity directory. */
export type RowsWithAll = Pick<Write, 'operations' | 'expects' | 'reads'>

export async function rowsWithAll(
  realm: Realm,
  rules: readonly RevokeRule[],
  {
    audit,
    keepCredentials = false,
  }: { readonly audit: Audit; readonly keepCredentials?: boolean | undefined },
): Promise<RowsWithAll> {
  const ended = keepCredentials
    ? { operations: [], expects: [] }
    : await credentialsEnded(realm, rules, audit)
  return { ...ended, operations: [...ended.operations, ...rowsOf(realm, rules, audit)] }
}

/** The author of what the server does by itself. */
export const SERVER: Pick<Caller, 'id' | 'from'> = { id: 'server', from: 'local' }

/** The audit's members besides author and reason. */
export function auditMembers({ note, skewSeconds }: KeptRule): Pick<Audit, 'note' | 'skewSeconds'> {
  return defined({ note, skewSeconds })
}
