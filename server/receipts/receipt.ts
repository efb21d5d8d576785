import { ACKNOWLEDGE, type Acknowledge, type Audit } from '@rescind/authority'
import { LAST_INSTANT_MS, ordinalOf, type Position, position, seqOf, unreachable } from '@rescind/core'
import { formatInstant } from '@rescind/core/bytes'
import { type ChainedLogRow, type RevokeRule, type Rule, rowKindOf } from '@rescind/core/log'
import { z } from 'zod'
import { COVERS, type CoversJson, coversJson } from './covers-json.ts'
import { ENFORCEMENT, type EnforcementJson } from './enforcement.ts'
import { storedAudit, storedRule } from './stored-row.ts'

/**
 * A revocation as it is remembered: its author, reason, time, position and coverage, and which verifiers have applied
 * it.
 */
export type ReceiptJson = { readonly [name in keyof EnforcementJson]?: EnforcementJson[name] | undefined } & {
  readonly id: string
  readonly realm: string
  readonly epoch: number
  readonly seq: number
  readonly at: string
  readonly covers: CoversJson
  /** How long the rule is kept; absent: forever. */
  readonly keepUntil?: string | undefined
  readonly by: string
  /** The name of that control key at the time. */
  readonly byName?: string | undefined
  /** The person that the key belongs to. */
  readonly byOwner?: string | undefined
  readonly from: string
  readonly how: string
  readonly reason?: string | undefined
  readonly note?: string | undefined
  readonly cause?: Readonly<Record<string, string>> | undefined
  /** Where it is known to be refused; with several nodes only. */
  readonly acknowledged?: Acknowledge | undefined
}

const optional = z.string().optional()

export const RECEIPT: z.ZodType<ReceiptJson> = z
  .strictObject({
    id: z.string(),
    realm: z.string(),
    epoch: z.int(),
    seq: z.int(),
    at: z.string(),
    covers: COVERS,
    keepUntil: optional,
    ...{
      by: z.string(),
      byName: optional,
      byOwner: optional,
      from: z.string(),
      how: z.string(),
      reason: optional,
      note: optional,
    },
    cause: z.record(z.string(), z.string()).optional(),
    acknowledged: z
      .enum(ACKNOWLEDGE)
      .optional()
      .describe('With several nodes: every node refuses what is covered, or it is only written'),
    ...ENFORCEMENT,
  })
  .meta({ id: 'Revocation' })

export function revocationId(at: Position): string {
  return `rev_${ordinalOf(at)}_${seqOf(at)}`
}

const ID = /^rev_(\d{1,4})_([1-9]\d{0,12})$/

/** @returns undefined for text that is no id of a revocation. */
export function parseRevocationId(id: string): { readonly epoch: number; readonly seq: number } | undefined {
  const match = ID.exec(id)
  return match === null ? undefined : { epoch: Number(match[1]), seq: Number(match[2]) }
}

export type Written = {
  readonly at: Position
  readonly atMs: number
  readonly rules: readonly RevokeRule[]
  readonly audit: Audit
}

export function receiptJson(
  realm: { readonly name: string },
  { at, atMs, rules, audit }: Written,
): ReceiptJson {
  // A rule that is unreadable, or kept beyond the last date, counts as kept forever.
  const keepUntilMs = Math.max(...rules.map((rule) => rule.keepUntilMs), rules.length === 0 ? Infinity : 0)
  return {
    id: revocationId(at),
    realm: realm.name,
    epoch: ordinalOf(at),
    seq: seqOf(at),
    at: formatInstant(atMs),
    covers: coversJson(
      rules.map(({ target }) => target),
      audit.skewSeconds,
    ),
    keepUntil: keepUntilMs > LAST_INSTANT_MS ? undefined : formatInstant(keepUntilMs),
    ...{
      by: audit.by,
      byName: audit.byName,
      byOwner: audit.byOwner,
      from: audit.from,
      how: audit.how,
      reason: audit.why,
      note: audit.note,
    },
    cause: audit.cause,
  }
}

/**
 * The rows of the request that ends with this row. @returns undefined for a row that is no revocation.
 */
export function writtenOf(
  rows: readonly ChainedLogRow[],
  epoch: number,
  { end = rows.length, keptUntilMs = asItSays }: WrittenOptions = {},
): Written | undefined {
  const last = rows[end - 1]
  if (last === undefined || rowKindOf(last) !== 'revoke' || last.audit === undefined) return undefined
  const audit = storedAudit(last.audit)
  const of = rowsOfRequest(audit)
  if (of === 0 || end < of) return undefined
  const rules = rows.slice(end - of, end).flatMap((row): RevokeRule[] => {
    const rule = storedRule(row)
    return !('unreadable' in rule) && isRevoke(rule) ? [{ ...rule, keepUntilMs: keptUntilMs(row, rule) }] : []
  })
  return { at: position(epoch, last.seq), atMs: last.atMs, rules, audit }
}

export type WrittenOptions = {
  /** The index after this row in `rows`. */
  readonly end?: number
  /** How long a rule is kept; overrides the rows of older versions. */
  readonly keptUntilMs?: (row: ChainedLogRow, rule: RevokeRule) => number
}

const asItSays = (_row: ChainedLogRow, rule: RevokeRule): number => rule.keepUntilMs

export function isRevoke(rule: Rule): rule is RevokeRule {
  switch (rule.kind) {
    case 'revoke':
      return true
    // Holds have their own list; the other kinds end nothing on request.
    case 'hold':
    case 'release':
    case 'change':
    case 'epoch':
      return false
    default:
      return unreachable(rule)
  }
}

/** How many rows a request wrote. The audit of the last row tells, and stands for all of them; 0 for another row. */
export function rowsOfRequest({ part }: Audit): number {
  const [nth, of] = part ?? [1, 1]
  return nth === of ? of : 0
}
