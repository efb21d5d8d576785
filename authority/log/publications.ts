import { ContractBroken, type RealmOrdinal } from '@rescind/core'
import { keepInBytes, type LogRow, type Rule, traitsOf } from '@rescind/core/log'
import type { GroupOutcome, LogHead, Write, WriteOutcome } from './writes.ts'

/** A row to be published, with its decoded rule, and the audit text whose hash is in its chain. */
export type PublishedRow = LogRow & { readonly means: Rule; readonly audit: string }

/** What one flush did to one realm's log: its rows in order, after `prev`; `head` is the log's end including them. */
export type Publication = {
  readonly realm: RealmOrdinal
  readonly prev: number
  readonly head: LogHead
  readonly rows: readonly PublishedRow[]
}

/**
 * Called when rows are durable and folded, before their callers get answers. `lost`: rows entered this realm's log without
 * a publication, because a flush's outcome was unknown; read them from the store.
 */
export type GroupListener = {
  readonly published: (publication: Publication) => void
  readonly lost: (realm: RealmOrdinal) => void
}

/** What a group has written, by realm. */
export function publicationsOf(
  writes: readonly Write[],
  { outcomes, heads }: GroupOutcome,
): readonly Publication[] {
  const byRealm = new Map<RealmOrdinal, PublishedRow[]>()
  for (let at = 0; at < writes.length; at += 1) {
    const outcome = outcomes[at] as WriteOutcome
    if (outcome.kind !== 'applied') continue
    const { realm, operations } = writes[at] as Write
    let seq = outcome.firstSeq
    for (const operation of operations) {
      if (operation.kind !== 'append') continue
      const { atMs, rule, bytes, audit } = operation.row
      const rows = byRealm.get(realm) ?? []
      rows.push({ seq, atMs, kind: traitsOf(rule).code, rule: bytes, means: meaningOf(rule, bytes), audit })
      byRealm.set(realm, rows)
      seq += 1
    }
  }
  return Array.from(byRealm, ([realm, rows]) => {
    const head = heads.get(realm)
    if (head === undefined) throw new ContractBroken(`rows of realm ${realm} without its head`)
    return { realm, prev: head.seq - rows.length, head, rows }
  })
}

/** A rule as it was committed, with the keep from its bytes. */
function meaningOf(rule: Rule, bytes: Uint8Array): Rule {
  if (rule.kind !== 'revoke') return rule
  const keepUntilMs = keepInBytes(bytes)
  return keepUntilMs === rule.keepUntilMs ? rule : { ...rule, keepUntilMs }
}
