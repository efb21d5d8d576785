import type { Audit, Entry, Operation, Realm } from '@rescind/authority'
import { type Answer, jsonAnswer, type Stale } from '@rescind/dialects'
import { z } from 'zod'
import { type Problem, problem } from '../../../http/problem.ts'
import type { Ended, PendingKind, Waiting } from '../../../pending/pending.ts'
import { revocationId } from '../../../receipts/receipt.ts'
import { searchReceipts } from '../../../receipts/search.ts'
import { commitChange } from '../../frame/change.ts'
import { type Ask, type Endpoint, type EndpointShape, endpoint } from '../../frame/endpoint.ts'
import { answerPage, pageShape } from '../../frame/paged.ts'

const PAGE_MAX = 500

/** One kind of pending item, and its form in the control API. */
export type Pended<T extends Waiting, State extends string> = {
  readonly kind: PendingKind<T, State>
  /** The path of the list: `/holds`. */
  readonly path: string
  /** The description of an answer with one item: `The hold`. */
  readonly what: string
  readonly many: string
  readonly schema: z.ZodType
  readonly json: (realm: Realm, id: string, value: T & Partial<Ended<State>>) => object
  /** The state in which a revocation was written. */
  readonly revokedAt: State
  readonly none: Problem
  /** The problem for a call that comes after the item ended differently. */
  readonly over: (state: State) => Problem
}

type Said = Pick<EndpointShape, 'operation' | 'summary'>

/** `GET /holds`: the items that wait, or those that have ended. */
export function listPended<T extends Waiting, State extends string>(
  { kind, path, schema, json }: Pended<T, State>,
  said: Said,
): Endpoint {
  return endpoint({
    ...said,
    method: 'GET',
    path,
    role: 'viewer',
    query: z.strictObject({
      state: z.enum(['open', 'ended']).default('open'),
      limit: z.int().min(1).max(PAGE_MAX).default(100),
      cursor: z.string().max(1_024).optional(),
    }),
    answers: { 200: pageShape(kind.name, schema, 'A page of them') },
    handle: ({ realm, query: { state, limit, cursor } }) =>
      answerPage({ realm, list: `${kind.name}:${state}`, member: kind.name }, cursor, async (after) => {
        const page = await (state === 'open'
          ? kind.open(realm, after, limit)
          : kind.ended(realm, after, limit))
        return { items: page.items.map(({ id, value }) => json(realm, id, value)), next: page.next }
      }),
  })
}

/** `GET /holds/{id}` */
export function readPended<T extends Waiting, State extends string>(
  pended: Pended<T, State>,
  said: Said,
): Endpoint {
  return endpoint({
    ...said,
    method: 'GET',
    path: `${pended.path}/{id}`,
    role: 'viewer',
    answers: { 200: { what: pended.what, schema: pended.schema } },
    handle: (ask) => pendedAnswer(pended, ask),
  })
}

/** The item that the path names, with the revocation that it became. */
export async function pendedAnswer<T extends Waiting, State extends string>(
  { kind, json, revokedAt, none }: Pended<T, State>,
  { realm, params }: Pick<Ask, 'realm' | 'params'>,
): Promise<Answer> {
  const id = params['id'] ?? ''
  const found = await kind.find(realm, id)
  if (found.kind === 'none') return none
  if (found.kind === 'open') return jsonAnswer(200, json(realm, id, found.entry.value))
  const revocation = found.value.state === revokedAt ? await revocationOf(realm, id) : undefined
  return jsonAnswer(200, { ...json(realm, id, found.value), revocation })
}

/** The revocation that a hold, a schedule or an approval became. */
async function revocationOf(realm: Realm, id: string): Promise<string | undefined> {
  const ask = { filters: { cause: id }, before: undefined, sinceMs: undefined, untilMs: undefined, limit: 1 }
  const { found } = await searchReceipts(realm, ask)
  const [written] = found
  return written === undefined ? undefined : revocationId(written.at)
}

/**
 * The item that the path names, while it waits. An item that has already ended as this call wants is answered as it is.
 */
export async function waitingOne<T extends Waiting, State extends string>(
  pended: Pended<T, State>,
  ask: Pick<Ask, 'realm' | 'params'>,
  to?: State,
): Promise<Entry<T> | Answer> {
  const found = await pended.kind.find(ask.realm, ask.params['id'] ?? '')
  if (found.kind === 'none') return pended.none
  if (found.kind === 'open') return found.entry
  return found.value.state === to ? pendedAnswer(pended, ask) : pended.over(found.value.state)
}

type Placing<T> = {
  readonly value: T
  readonly status: 201 | 202
  readonly auditAs: (id: string) => Audit
  /** Rules that are in force while it waits. */
  readonly beside?: (id: string, audit: Audit) => readonly Operation[]
}

/** Starts the waiting of an item. */
export async function place<T extends Waiting, State extends string>(
  { kind, path, many, json }: Pended<T, State>,
  ask: Pick<Ask, 'realm' | 'by'>,
  { value, status, auditAs, beside }: Placing<T>,
): Promise<Answer | Stale> {
  const { realm } = ask
  const id = kind.mintId(realm)
  const slot = await kind.freeSlot(realm, id)
  if (slot === undefined) return problem(409, `too many ${many} are open in this realm; end some first`)
  const audit = auditAs(id)
  const operations = [...kind.put(realm, { id, value, slot, audit }), ...(beside?.(id, audit) ?? [])]
  const outcome = await commitChange(ask, operations)
  if (outcome.kind !== 'applied') return 'stale'
  return jsonAnswer(status, json(realm, id, value), { location: `/control/v1${path}/${id}` })
}
