import type { Realm } from '@rescind/authority'
import { type Answer, formatInstant, jsonAnswer } from '@rescind/dialects'
import { z } from 'zod'
import { isAnswer, type Problem, problem } from '../../../http/problem.ts'
import type { KeptRule } from '../../../pending/kept-rule.ts'
import type { Ended, PendingKind, Waiting } from '../../../pending/pending.ts'
import { revocationId } from '../../../receipts/receipt.ts'
import { searchReceipts } from '../../../receipts/search.ts'
import { type Resolved, rulesOf } from '../../../rules/resolved.ts'
import { makeCursor, readCursor } from '../../frame/cursor.ts'
import type { Ask } from '../../frame/endpoint.ts'
import type { RuleBody } from './target-schema.ts'

/** The furthest ahead that anything can be put. */
export const AHEAD_MAX_MS: number = 400 * 86_400_000
const PAGE_MAX = 500

/** What is kept of a request whose rule is written later. */
export function keptRuleOf(
  ask: Pick<Ask<unknown, RuleBody>, 'realm' | 'by' | 'body'>,
  resolved: Resolved,
): KeptRule {
  const { reason, note } = ask.body
  const isOneToken = resolved.record !== undefined || resolved.shown !== undefined
  const [rule] = isOneToken ? rulesOf(ask.realm, resolved) : []
  return {
    targets: resolved.targets,
    ...(rule === undefined ? {} : { tokenKeepUntilMs: rule.keepUntilMs }),
    ...(resolved.skewSeconds === undefined ? {} : { skewSeconds: resolved.skewSeconds }),
    reason,
    ...(note === undefined ? {} : { note }),
    ...(ask.body.keepCredentials === true ? { keepCredentials: true } : {}),
    by: ask.by.caller.id,
    ...(ask.by.caller.name === undefined ? {} : { byName: ask.by.caller.name }),
  }
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
  return { endedAt: endedAtMs === undefined ? undefined : formatInstant(endedAtMs), endedBy, endReason }
}

/** The revocation that came of a hold, a schedule or an approval. */
async function revocationOf(realm: Realm, id: string): Promise<string | undefined> {
  const ask = { filters: { cause: id }, before: undefined, sinceMs: undefined, untilMs: undefined, limit: 1 }
  const { found } = await searchReceipts(realm, ask)
  const [written] = found
  return written === undefined ? undefined : revocationId(written.at)
}

type PageShape = {
  readonly state: z.ZodDefault<z.ZodEnum<{ open: 'open'; ended: 'ended' }>>
  readonly limit: z.ZodDefault<z.ZodInt>
  readonly cursor: z.ZodOptional<z.ZodString>
}

export const PAGE_QUERY: z.ZodObject<PageShape, z.core.$strict> = z.strictObject({
  state: z.enum(['open', 'ended']).default('open'),
  limit: z.int().min(1).max(PAGE_MAX).default(100),
  cursor: z.string().max(1_024).optional(),
})

export type PageQuery = z.output<typeof PAGE_QUERY>

type Shown<T, State extends string> = (id: string, value: T & Partial<Ended<State>>) => object

/** A page of what waits, or of what has ended. */
export async function listPending<T extends Waiting, State extends string>(
  { realm, query }: Pick<Ask<PageQuery>, 'realm' | 'query'>,
  kind: PendingKind<T, State>,
  show: Shown<T, State>,
): Promise<Answer> {
  const of = { realm, list: `${kind.name}:${query.state}` }
  const place = readCursor(of, query.cursor)
  if (isAnswer(place)) return place
  const { items, next } = await (query.state === 'open'
    ? kind.open(realm, place.place, query.limit)
    : kind.ended(realm, place.place, query.limit))
  return jsonAnswer(200, {
    [kind.name]: items.map(({ id, value }) => show(id, value)),
    ...(next === undefined ? {} : { next: makeCursor(of, next) }),
  })
}

export type Shows<T extends Waiting, State extends string> = {
  readonly kind: PendingKind<T, State>
  readonly show: Shown<T, State>
  /** The end at which a revocation was written. */
  readonly revokedAt: State
  readonly none: Problem
}

/** One of what waits or has ended, with the revocation that it became. */
export async function readPending<T extends Waiting, State extends string>(
  { realm, params }: Pick<Ask, 'realm' | 'params'>,
  { kind, show, revokedAt, none }: Shows<T, State>,
): Promise<Answer> {
  const id = params['id'] ?? ''
  const found = await kind.find(realm, id)
  if (found.kind === 'none') return none
  if (found.kind === 'open') return jsonAnswer(200, show(id, found.entry.value))
  const revocation = found.value.state === revokedAt ? await revocationOf(realm, id) : undefined
  return jsonAnswer(200, { ...show(id, found.value), revocation })
}

/** Why something that waited was ended early. */
export type EndBody = { readonly reason?: string | undefined } | undefined

export const END_BODY: z.ZodType<EndBody> = z
  .strictObject({ reason: z.string().min(1).max(256).optional() })
  .optional()

export function tooMany(what: string): Problem {
  return problem(409, `too many ${what} are open in this realm; end some first`)
}
