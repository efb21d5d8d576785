import { defined, instantOf } from '@rescind/core/bytes'
import { z } from 'zod'
import type { KeptRule } from '../../../pending/kept-rule.ts'
import type { Ended } from '../../../pending/pending.ts'
import { type Resolved, rulesOf } from '../../../rules/resolved.ts'
import type { Ask } from '../../frame/endpoint.ts'
import type { RuleBody } from './target-schema.ts'

/** How far ahead a deadline may be. */
export const AHEAD_MAX_MS: number = 400 * 86_400_000

/** The parts of a request to keep until its rule is written. */
export function keptRuleOf(
  ask: Pick<Ask<unknown, RuleBody>, 'realm' | 'by' | 'body'>,
  resolved: Resolved,
): KeptRule {
  const { reason, note } = ask.body
  const isOneToken = resolved.record !== undefined || resolved.presented !== undefined
  const [rule] = isOneToken ? rulesOf(ask.realm, resolved) : []
  return defined({
    targets: resolved.targets,
    tokenKeepUntilMs: rule?.keepUntilMs,
    skewSeconds: resolved.skewSeconds,
    reason,
    note,
    keepCredentials: ask.body.keepCredentials === true ? true : undefined,
    alsoEnds: ask.body.alsoEnds,
    by: ask.by.caller.id,
    byName: ask.by.caller.name,
    byOwner: ask.by.owner,
  })
}

type EndedJson = {
  readonly endedAt?: string | undefined
  readonly endedBy?: string | undefined
  readonly endReason?: string | undefined
}

type EndedShape = { readonly [name in keyof EndedJson]-?: z.ZodOptional<z.ZodString> }

export const ENDED: EndedShape = {
  endedAt: z.string().optional(),
  endedBy: z.string().optional(),
  endReason: z.string().optional(),
}

export function endedJson({ endedAtMs, endedBy, endReason }: Partial<Ended<string>>): EndedJson {
  return { endedAt: instantOf(endedAtMs), endedBy, endReason }
}

/** Why a pending item was ended early. */
export type EndBody = { readonly reason?: string | undefined } | undefined

export const END_BODY: z.ZodType<EndBody> = z
  .strictObject({ reason: z.string().min(1).max(256).optional() })
  .optional()
