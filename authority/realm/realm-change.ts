import type { RealmOrdinal } from '@rescind/core'
import { decodeRule, type LogRow, rowKindOf } from '@rescind/core/log'
import { REALMS, SYSTEM_ORDINAL } from './realm-record.ts'
import { REALM_SETTINGS } from './realm-settings.ts'
import { TOKEN_PREFIXES } from './token-prefixes.ts'

const SETTINGS: readonly string[] = [REALM_SETTINGS.name, TOKEN_PREFIXES.name]

/**
 * The realm whose state or settings have to be read again after this row: by name or, if the row is in its own log, by its
 * number. A cutoff over a whole realm may come from its closing, whose change of the record was written before.
 */
export function realmChange(ordinal: RealmOrdinal, row: LogRow): string | RealmOrdinal | undefined {
  const kind = rowKindOf(row)
  if (kind !== 'change' && kind !== 'revoke') return undefined
  const rule = decodeRule(row)
  if (rule.kind === 'revoke')
    return rule.target.kind === 'cut' && rule.target.shape === 'realm' ? ordinal : undefined
  if (rule.kind !== 'change') return undefined
  if (ordinal === SYSTEM_ORDINAL && rule.collection === REALMS.name) return rule.id
  return SETTINGS.includes(rule.collection) ? ordinal : undefined
}
