import type { TokenRecord } from '@rescind/core'
import { formatInstant } from '@rescind/core/bytes'
import type { Answer } from '@rescind/dialects'
import { z } from 'zod'
import { isAnswer } from '../../../http/problem.ts'
import { type Ask, type Endpoint, endpoint } from '../../frame/endpoint.ts'
import { answerNumberedPage, pageShape } from '../../frame/paged.ts'
import { matchedRecordOf } from '../../frame/records.ts'
import { CLIENTS } from './client-json.ts'

const PAGE_MAX = 1_000
/** Bounded reads of the store for one page. A page may be short, or empty, and still have a next one. */
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
  path: `${CLIENTS.path}/grants`,
  operation: 'listClientGrants',
  summary:
    "A client's live grants with their live tokens, oldest first; a long one may go on in the next page",
  role: 'viewer',
  scans: true,
  query: z.object({ cursor: z.string().optional(), limit: z.int().min(1).max(PAGE_MAX).default(PAGE_MAX) }),
  answers: {
    200: pageShape(
      'grants',
      GRANT,
      'The grants of as many tokens as were looked at, and the cursor of the next ones',
    ),
  },
  handle: list,
})

async function list(ask: Ask<{ cursor?: string | undefined; limit: number }>): Promise<Answer> {
  const { realm, query } = ask
  const entry = await matchedRecordOf(CLIENTS, ask)
  if (isAnswer(entry)) return entry
  const of = { realm, list: `clients/${entry.id}/grants`, member: 'grants' }
  return answerNumberedPage(of, query.cursor, async (place) => {
    const { live, next } = await liveTokens(ask, entry.id, { after: place, limit: query.limit })
    return { items: [...Map.groupBy(live, ({ grant }) => grant).values()].map(grantJson), next }
  })
}

type Live = { readonly live: readonly TokenRecord[]; readonly next: number | undefined }

async function liveTokens(
  ask: Ask,
  client: string,
  { after, limit }: { readonly after: number | undefined; readonly limit: number },
): Promise<Live> {
  const { realm } = ask
  const live: TokenRecord[] = []
  let [place, room] = [after, limit]
  for (let reads = 0; reads < READS_MAX && room > 0; reads += 1) {
    const page = { source: 'oauth', client, after: place, limit: room }
    const { records, next } = await realm.store.tokensOfClient(realm.ordinal, page)
    for (const record of records) if (await isLive(ask, record)) live.push(record)
    room -= records.length
    place = next
    if (place === undefined) break
  }
  return { live, next: place }
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
  // A refresh token has the grant's full scope.
  const [first] = records.toSorted(
    (left, right) => Number(right.kind === 'refresh') - Number(left.kind === 'refresh'),
  )
  const { grant = '', subject, scope, audience } = first ?? {}
  return {
    grant,
    subject,
    scope,
    audience: audience === undefined ? undefined : [...audience],
    tokens: records.map(({ handle, kind, issuedAtMs, expiresAtMs }) => ({
      handle,
      kind: kind === 'refresh' ? 'refresh' : 'access',
      issuedAt: formatInstant(issuedAtMs),
      expiresAt: formatInstant(expiresAtMs),
    })),
  }
}
