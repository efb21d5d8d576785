import { position } from '@rescind/core'
import { type ChainedLogRow, decodeRule, encodeRule, type Rule, traitsOf } from '@rescind/core/log'

/** What is appended again, in a later log, of a row that a log has lost. */
export type CarriedRow = Pick<ChainedLogRow, 'seq' | 'chain' | 'kind' | 'rule'> & { readonly audit: string }

/** The audit of a row whose own has expired. */
const UNKNOWN_AUDIT = '{"by":"server","from":"local","how":"store.takeover"}'

/**
 * A cutoff keeps its own position and time, so that it ends no token that a foreign issuer has issued since.
 * @param ordinal the epoch of the row. @returns undefined for rows that no other log can hold: changes of records that are
 * lost, and epochs.
 */
export function carriedRow(row: ChainedLogRow, ordinal: number): CarriedRow | undefined {
  const rule = decodeRule(row)
  if (!traitsOf(rule).isSalvaged) return undefined
  const { seq, chain, kind, audit = UNKNOWN_AUDIT } = row
  return {
    seq,
    chain,
    kind,
    rule: dated(rule, row, ordinal) ?? row.rule,
    audit: audit === '' ? UNKNOWN_AUDIT : audit,
  }
}

function dated(rule: Rule, { seq, atMs }: ChainedLogRow, ordinal: number): Uint8Array | undefined {
  if (rule.kind !== 'revoke' || rule.target.kind !== 'cut' || rule.target.asOf !== undefined) return undefined
  const asOf = { at: position(ordinal, seq), atMs }
  // Only targets of tokens are encoded with the realm's digest key.
  return encodeRule({ ...rule, target: { ...rule.target, asOf } }, '')
}
