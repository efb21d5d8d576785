import type { RealmOrdinal } from '@rescind/core'
import { type RevokeRule, settleKeep } from '@rescind/core/log'
import type { Keeping } from './keeping.ts'
import type { NewRow, Write } from './writes.ts'

/**
 * Writes into the rules of a group how long they are kept. Groups are flushed one at a time, so this process knows every
 * expiry of its own that the store will hold at the commit: earlier ones and those of the group itself.
 */
export function settleKeeps(writes: readonly Write[], keepingOf: (realm: RealmOrdinal) => Keeping): void {
  const rules: { readonly keeping: Keeping; readonly row: NewRow; readonly rule: RevokeRule }[] = []
  for (const { realm, operations } of writes) {
    const keeping = keepingOf(realm)
    for (const operation of operations) {
      if (operation.kind === 'put-token') keeping.raise(operation.record.source, operation.record.expiresAtMs)
      else if (operation.kind === 'extend-token') keeping.raise(operation.source, operation.expiresAtMs)
      else if (operation.kind === 'append') {
        const { row } = operation
        if (row.rule.kind === 'revoke' && row.rule.target.kind !== 'token')
          rules.push({ keeping, row, rule: row.rule })
      }
    }
  }
  for (const { keeping, row, rule } of rules) settleKeep(row.bytes, keeping.keepOf(rule, row.atMs))
}
