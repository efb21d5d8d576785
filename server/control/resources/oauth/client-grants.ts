import type { TokenRecord } from '@rescind/core'
import { type Answer, formatInstant, jsonAnswer } from '@rescind/dialects'
import { z } from 'zod'
import { isAnswer } from '../../../http/problem.ts'
import { makeCursor, readCursor } from '../../frame/cursor.ts'
import { type Ask, type Endpoint, endpoint } from '../../frame/endpoint.ts'
import { namedClient } from './client-change.ts'

const PAGE_MAX = 1_000
/** Bounded reads of the store for one page, which may be short, or empty, and still have a next one. */
const READS_MAX = 64

const TOKEN = z.strictObject({
  handle: z.string(),
  kind: z.enum(['access', 'refresh']),
  issuedAt: z.string(),
  expiresAt: z.string(),
})
const GRANT = z.strictObject({
  grant: z.string(),
  subject: z.string().optional(),
  scope: z.string().optional(),
  audience: z.array(z.string()).optional(),
  tokens: z.array(TOKEN),
})

export const LIST_CLIENT_GRANTS: Endpoint = endpoint({
  method: 'GET',
  path: '/clients/{clientId}/grants',
  operation: 'listClientGrants',
  summary:
    "A client's live grants with their live tokens, oldest first; a long one may go on in the next page",
  role: 'viewer',
  scans: true,
  query: z.object({ cursor: z.string().optional(), limit: z.int().min(1).max(PAGE_MAX).default(PAGE_MAX) }),
  answers: {
    200: {
      what: 'The grants of as many tokens as were looked at, and the cursor of the next ones',
      schema: z.strictObject({ grants: z.array(GRANT), next: z.string().optional() }),
    },
  },
  handle: list,
})

async function list(ask: Ask<{ cursor?: string | undefined; limit: number }>): Promise<Answer> {
  const { realm } = ask
  const entry = await namedClient(ask)
  if (isAnswer(entry)) return entry
  const of = { realm, list: `clients/${entry.id}/grants` }
  const from = readCursor(of, ask.query.cursor)
  if (isAnswer(from)) return from
  let after = from.place === undefined ? undefined : Number(from.place)
  let room = ask.query.limit
  const live: TokenRecord[] = []
  for (let reads = 0; reads < READS_MAX && room > 0; reads += 1) {
    const page = { source: 'oauth', client: entry.id, after, limit: room }
    const { records, next } = await realm.store.tokensOfClient(realm.ordinal, page)
    for (const record of records) if (await isLive(ask, record)) live.push(record)
    room -= records.length
    after = next
    if (after === undefined) break
  }
  const grants = [...Map.groupBy(live, ({ grant }) => grant).values()].map(grantJson)
  return jsonAnswer(200, after === undefined ? { grants } : { grants, next: makeCursor(of, String(after)) })
}

async function isLive({ realm }: Ask, record: TokenRecord): Promise<boolean> {
  if (record.kind === 'code') return false
  if (
    record.kind === 'refresh' &&
    (await realm.store.consumption(realm.ordinal, record.handle)) !== undefined
  )
    return false
  return realm.judge(await realm.whole(record)).kind === 'active'
}

function grantJson(records: readonly TokenRecord[]): z.output<typeof GRANT> {
  // A refresh token has the whole of what its grant may do.
  const [first] = records.toSorted(
    (left, right) => Number(right.kind === 'refresh') - Number(left.kind === 'refresh'),
  )
  const { grant = '', subject, scope, audience } = first ?? {}
  return {
    grant,
    ...(subject === undefined ? {} : { subject }),
    ...(scope === undefined ? {} : { scope }),
    ...(audience === undefined ? {} : { audience: [...audience] }),
    tokens: records.map(({ handle, kind, issuedAtMs, expiresAtMs }) => ({
      handle,
      kind: kind === 'refresh' ? 'refresh' : 'access',
      issuedAt: formatInstant(issuedAtMs),
      expiresAt: formatInstant(expiresAtMs),
    })),
  }
}
