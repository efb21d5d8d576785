import type { Realm } from '@rescind/authority'
import { formatInstant } from '@rescind/core/bytes'
import { z } from 'zod'
import { problem } from '../../../http/problem.ts'
import { APPROVALS, type ApprovalEnd, type ApprovalValue } from '../../../pending/approvals.ts'
import type { Ended } from '../../../pending/pending.ts'
import { COVERS, type CoversJson, coversJson } from '../../../receipts/covers-json.ts'
import type { Pended } from './pended.ts'
import { ENDED, endedJson } from './pending-parts.ts'

type ApprovalJson = {
  readonly id: string
  readonly realm: string
  readonly state: 'waiting' | ApprovalEnd
  readonly act: 'revocation' | 'settings'
  readonly covers?: CoversJson | undefined
  readonly tokens?: number | undefined
  readonly complete?: boolean | undefined
  readonly alsoEnds?: readonly string[] | undefined
  readonly approvalAboveTokens?: number | null | undefined
  readonly reason: string
  readonly note?: string | undefined
  readonly askedBy: string
  readonly askedByName?: string | undefined
  readonly askedByOwner?: string | undefined
  readonly askedAt: string
  readonly expiresAt: string
  readonly revocation?: string | undefined
}

export const APPROVAL: z.ZodType<ApprovalJson> = z
  .strictObject({
    ...{ id: z.string(), realm: z.string(), state: z.enum(['waiting', 'approved', 'denied', 'expired']) },
    act: z.enum(['revocation', 'settings']),
    covers: COVERS.optional(),
    tokens: z.int().optional().describe('Live tokens that it covered when it was asked for'),
    complete: z.boolean().optional().describe('Whether that many exactly; if not, at least'),
    alsoEnds: z.array(z.string()).readonly().optional().describe('password, secondFactors'),
    approvalAboveTokens: z.int().nullable().optional(),
    ...{ reason: z.string(), note: z.string().optional() },
    askedBy: z.string(),
    askedByName: z.string().optional().describe('Of a revocation: the name of its key at that time'),
    askedByOwner: z.string().optional(),
    ...{ askedAt: z.string(), expiresAt: z.string() },
    ...ENDED,
    revocation: z.string().optional().describe('What it became'),
  })
  .meta({ id: 'Approval' })

type Readable = ApprovalValue & Partial<Ended<ApprovalEnd>>

function approvalJson({ name: realm }: Realm, id: string, value: Readable): ApprovalJson {
  const { act } = value
  const what =
    act.kind === 'settings'
      ? { approvalAboveTokens: act.approvalAboveTokens }
      : {
          covers: coversJson(act.rule.targets, act.rule.skewSeconds),
          tokens: act.tokens,
          complete: act.complete,
          alsoEnds: act.rule.alsoEnds,
          note: act.rule.note,
        }
  return {
    ...{ id, realm, state: value.state ?? 'waiting', act: act.kind },
    ...what,
    reason: value.reason,
    askedBy: `control:${value.askedBy}`,
    askedByName: act.kind === 'settings' ? undefined : act.rule.byName,
    askedByOwner: value.askedByOwner,
    askedAt: formatInstant(value.askedAtMs),
    expiresAt: formatInstant(value.dueAtMs),
    ...endedJson(value),
  }
}

export const REQUESTS: Pended<ApprovalValue, ApprovalEnd> = {
  kind: APPROVALS,
  path: '/approvals',
  what: 'It',
  many: 'requests for approval',
  schema: APPROVAL,
  json: approvalJson,
  revokedAt: 'approved',
  none: problem(404, 'no such request for approval'),
  over: (state) =>
    problem(409, state === 'expired' ? 'this request has expired' : `this request was ${state} before`),
}
