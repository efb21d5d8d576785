import { type Realm, tokensByIds } from '@rescind/authority'
import { parseHandle, type TokenRecord, type Verdict } from '@rescind/core'
import { defined, instantOf } from '@rescind/core/bytes'
import { credentialOf, type FactsJson, factsJson, kindOf, SINGLE_USE } from '@rescind/core/tokens'
import { type Answer, jsonAnswer } from '@rescind/dialects'
import { z } from 'zod'
import { type Problem, problem } from '../../http/problem.ts'
import { FACTS } from '../../judging/facts-schema.ts'
import { nextTurn } from '../../machine/turns.ts'
import { lastUsedMs } from '../../receipts/last-use.ts'
import { type Ask, type Endpoint, endpoint } from '../frame/endpoint.ts'
import { answerNumberedPage } from '../frame/paged.ts'
import { cannotJudge, notJudged } from './cannot-judge.ts'
import { hintFor, NAMES_HINT } from './names-hint.ts'
import { judgePasted } from './pasted.ts'

const PAGE_MAX = 1_000
/** Bounded reads of the store for one page. A page may be short, or empty, and still have a next one. */
const READS_MAX = 64
/** Tokens of a page that are judged in one turn of the event loop, which takes a millisecond or two. */
const TOKENS_PER_TURN = 50

const text = z.string().min(1).max(1_024).optional()
const QUERY = z.object({
  ...{ source: text, subject: text, client: text, tenant: text, grant: text, session: text, kind: text },
  state: z
    .enum(['live', 'held', 'all'])
    .default('live')
    .describe('all: those that are over, too, until they are collected'),
  cursor: z.string().optional(),
  limit: z.int().min(1).max(PAGE_MAX).default(100),
})
type Query = z.output<typeof QUERY>

type TokenJson = {
  readonly state: string
  readonly lastUsedAt?: string | undefined
  readonly mintedBy?: string | undefined
  readonly authenticatedBy?: readonly string[] | undefined
  readonly facts: FactsJson
}
const TOKEN: z.ZodType<TokenJson> = z.strictObject({
  /** `active`, or the reason why it is not. */
  state: z.string(),
  /** Rounded to the minute. */
  lastUsedAt: z.string().optional(),
  mintedBy: z
    .string()
    .optional()
    .describe('Who had it made for its subject, as the audit names callers; absent: its client or subject'),
  authenticatedBy: z.array(z.string()).readonly().optional(),
  facts: FACTS,
})

const LIST: Endpoint = endpoint({
  method: 'GET',
  path: '/tokens',
  operation: 'listTokens',
  summary: 'Live tokens by any of their ids, oldest first',
  role: 'viewer',
  scans: true,
  query: QUERY,
  answers: {
    200: {
      what: 'A page of them, and the cursor of the next one',
      schema: z.strictObject({
        tokens: z.array(TOKEN),
        next: z.string().optional(),
        hint: NAMES_HINT,
      }),
    },
  },
  handle: list,
})

const READ: Endpoint = endpoint({
  method: 'GET',
  path: '/tokens/{handle}',
  operation: 'readToken',
  summary: 'One token by its handle',
  role: 'viewer',
  answers: { 200: { what: 'The token', schema: TOKEN } },
  handle: async ({ realm, params }) => {
    const handle = parseHandle(params['handle'] ?? '')
    if (handle === undefined) return NO_HANDLE
    const record = await realm.store.tokenByHandle(realm.ordinal, handle)
    return record === undefined ? NONE : jsonAnswer(200, await tokenJson(realm, record))
  },
})

const LOOK_UP: Endpoint = endpoint({
  method: 'POST',
  path: '/tokens/lookup',
  operation: 'lookUpToken',
  summary: 'Whose token is this? By its text, which stands in the body and nowhere else',
  role: 'viewer',
  rateClass: 'read',
  reads: true,
  // Looking up changes nothing, so nothing is stored for replays.
  idempotency: 'own',
  body: z.strictObject({ token: z.string().min(1) }),
  answers: { 200: { what: 'The token', schema: TOKEN } },
  handle: lookUp,
})

export const TOKEN_ENDPOINTS: readonly Endpoint[] = [LIST, READ, LOOK_UP]

const NONE: Problem = problem(404, 'no such token')
const NO_HANDLE: Problem = problem(
  404,
  'not of the form of a handle, tok_…; look token text up by POST /tokens/lookup',
)

async function lookUp({ realm, parts, body }: Ask<unknown, { token: string }>): Promise<Answer> {
  const pasted = await judgePasted(realm, parts.keySets, body.token)
  if (pasted.kind !== 'judged') return notJudged(pasted, 'token')
  const { verdict, record, respelled, facts, credential, unjudged } = pasted.judged
  if (unjudged !== undefined) return cannotJudge(unjudged)
  // Another spelling of a stored token: its holder holds that token.
  if (respelled !== undefined) return jsonAnswer(200, await tokenJson(realm, respelled))
  if (facts === undefined) return NONE
  if (record !== undefined) return jsonAnswer(200, await tokenJson(realm, record, verdict))
  return jsonAnswer(200, { state: stateOf(verdict), facts: factsJson(facts, credential) })
}

function list({ realm, query }: Ask<Query>): Promise<Answer> {
  const { cursor, limit: _limit, state, kind, ...ids } = query
  const of = { realm, list: `tokens?${JSON.stringify({ state, kind, ...ids })}`, member: 'tokens' }
  return answerNumberedPage(of, cursor, async (after) => {
    const page = await tokensAfter(realm, query, after)
    const isEmpty = page.items.length === 0 && page.next === undefined && cursor === undefined
    return { ...page, hint: isEmpty ? hintFor(ids) : undefined }
  })
}

type Page = { readonly items: readonly TokenJson[]; readonly next: number | undefined }

async function tokensAfter(realm: Realm, query: Query, place: number | undefined): Promise<Page> {
  const { cursor: _cursor, limit, state, kind, ...ids } = query
  const pages = await tokensByIds(realm, [defined(ids)])
  const tokens: TokenJson[] = []
  let after = place
  for (let reads = 0; reads < READS_MAX && tokens.length < limit; reads += 1) {
    const page = await pages({ after, limit: limit - tokens.length })
    for (const [at, record] of page.records.entries()) {
      if (at % TOKENS_PER_TURN === 0) await nextTurn()
      if (kind !== undefined && kindOf(record) !== kind) continue
      const one = await tokenJson(realm, record)
      if (isAsked(state, one.state)) tokens.push(one)
    }
    after = page.next
    if (after === undefined) break
  }
  return { items: tokens, next: after }
}

export async function tokenJson(realm: Realm, stored: TokenRecord, judged?: Verdict): Promise<TokenJson> {
  const record = await realm.whole(stored)
  const usedMs = await lastUsedMs(realm, record.handle)
  const isSpent =
    judged === undefined &&
    SINGLE_USE.has(record.kind) &&
    (await realm.store.consumption(realm.ordinal, record.handle)) !== undefined
  const state = stateOf(judged ?? realm.judge(record))
  return {
    state: isSpent && state === 'active' ? 'consumed' : state,
    lastUsedAt: instantOf(usedMs),
    mintedBy: record.mintedBy,
    authenticatedBy: record.authenticatedBy,
    facts: factsJson(record, credentialOf(record)),
  }
}

/** Whether the state is asked for. A held token is neither live nor over. */
function isAsked(state: Query['state'], of: string): boolean {
  if (state === 'all') return true
  return of === (state === 'live' ? 'active' : 'held')
}

export function stateOf(verdict: Verdict): string {
  return verdict.kind === 'active' ? 'active' : verdict.why
}
