import { type Audit, type Caller, type Cause, type Operation, type Realm, whoOf } from '@rescind/authority'
import { defined } from '@rescind/core/bytes'
import { decodeRule, type RevokeRule, traitsOf } from '@rescind/core/log'
import { commitRules, type Ruling } from '../pending/kept-rule.ts'
import type { Written } from '../receipts/receipt.ts'

/** A mark in an act's own write. It makes the act happen at most once, even across a crash; `id` finds it. */
export type Once = { readonly id: string; readonly mark: Operation }

export type RuleWrite = {
  readonly caller: Caller
  readonly rules: readonly RevokeRule[]
  readonly how: string
  readonly reason: string
  readonly note?: string | undefined
  readonly cause?: Cause | undefined
  readonly skewSeconds?: number | undefined
  readonly once?: Once | undefined
  readonly keepCredentials?: boolean | undefined
  readonly alsoEnds?: Ruling['alsoEnds']
  /** Operations for the same write, placed before the rules; for example the end of a hold. */
  readonly also?: readonly Operation[]
}

/** Writes all rules in one durable append. `stale`: judge again. */
export async function writeRules(realm: Realm, write: RuleWrite): Promise<Written | 'stale'> {
  const { caller, rules, also = [] } = write
  const { how, reason: why, note, cause, once, skewSeconds } = write
  const audit: Audit = defined({ ...whoOf(caller), how, why, note, cause, once: once?.id, skewSeconds })
  const before = [...also, ...(write.once === undefined ? [] : [write.once.mark])]
  const ruling = { rules, audit, keepCredentials: write.keepCredentials, alsoEnds: write.alsoEnds }
  const ruled = await commitRules(realm, ruling, (effect) =>
    realm.commit({
      realm: realm.ordinal,
      dependsOn: [caller.dependency],
      ...effect,
      operations: [...before, ...effect.operations],
    }),
  )
  if (ruled === undefined) return 'stale'
  const { outcome, rows } = ruled
  return { at: outcome.at, atMs: atMsOf(rows), rules: settled(rows).slice(-rules.length), audit }
}

/** The revocations as they were committed: the commit decided how long they are kept. */
function settled(rows: readonly Operation[]): readonly RevokeRule[] {
  return rows.flatMap((one) => {
    if (one.kind !== 'append') return []
    const rule = decodeRule({ kind: traitsOf(one.row.rule).code, rule: one.row.bytes })
    return rule.kind === 'revoke' ? [rule] : []
  })
}

function atMsOf(rows: readonly Operation[]): number {
  const last = rows.at(-1)
  return last?.kind === 'append' ? last.row.atMs : 0
}
