import type { Realm, Realms } from '@rescind/authority'
import { defined } from '@rescind/core/bytes'
import type { Target } from '@rescind/core/log'
import type { Answer } from '@rescind/dialects'
import { z } from 'zod'
import { openBody } from '../../bulk/body.ts'
import { linesOf, withWraps } from '../../bulk/lines.ts'
import { BulkProgress, bulkIdOf } from '../../bulk/progress.ts'
import { runBulk } from '../../bulk/run.ts'
import { Secrets } from '../../bulk/secrets.ts'
import { type Problem, problem } from '../../http/problem.ts'
import { searchReceipts } from '../../receipts/search.ts'
import { type Ask, type Endpoint, endpoint } from '../frame/endpoint.ts'
import { keyOf, STILL_RUNNING } from '../frame/idempotency.ts'
import { bulkStatusEndpoints } from './bulk-status.ts'

/** Bytes of one body; lines have a bound of their own. */
const BODY_MAX_BYTES = 268_435_456
const NDJSON = 'application/x-ndjson'

const QUERY = z.object({
  dryRun: z.boolean().default(true).describe('Only say what would be revoked; false makes it real'),
  reason: z.string().min(1).max(256).optional().describe('Why, for the log; needed when it is real'),
  note: z.string().max(2_000).optional(),
  reportAfter: z
    .int()
    .min(0)
    .default(0)
    .describe('The last line that the caller has a report of: lines up to it are not reported again'),
})
type Query = z.output<typeof QUERY>

/** Running calls with an Idempotency-Key, by id. */
const running: WeakMap<Realm, Set<string>> = new WeakMap()

function runningIn(realm: Realm): Set<string> {
  const known = running.get(realm) ?? new Set()
  running.set(realm, known)
  return known
}

const BULK: Endpoint = endpoint({
  method: 'POST',
  path: '/revocations/bulk',
  operation: 'revokeInBulk',
  summary:
    'Revoke whatever tokens stand in a list, or in a log, and name its other credentials: a leak, answered',
  role: 'responder',
  rateClass: 'revoke',
  idempotency: 'own',
  query: QUERY,
  stream: { types: [NDJSON, 'text/plain', 'application/octet-stream'], maxBytes: BODY_MAX_BYTES },
  answers: {
    200: { what: 'What became of each line, as it is done; the last line sums it up', type: NDJSON },
  },
  problems: [409],
  handle: bulk,
})

export const BULK_ENDPOINTS: readonly Endpoint[] = [BULK, ...bulkStatusEndpoints(isBulkRunning)]

/** Whether this process works on a call. */
export function isBulkRunning(realm: Realm, id: string): boolean {
  return runningIn(realm).has(id)
}

async function bulk(ask: Ask<Query>): Promise<Answer> {
  const { realm, by, query, request } = ask
  if (!query.dryRun && query.reason === undefined)
    return problem(422, 'reason: required unless dryRun is true')
  const key = keyOf(request)
  if (typeof key === 'object') return key
  const name = key === undefined ? undefined : { owner: by.id, key }
  const id = name === undefined ? undefined : bulkIdOf(name)
  const now = runningIn(realm)
  if (id !== undefined && now.has(id)) return STILL_RUNNING
  if (id !== undefined) now.add(id)
  const onEnd = (): void => void now.delete(id ?? '')
  let isHandedOver = false
  let progress: BulkProgress | undefined
  try {
    const opened = await openBody(request.stream ?? nothing())
    if (opened.kind === 'refused') return problem(415, opened.why)
    const { dryRun, reason, note } = query
    const resumed = await BulkProgress.resume({ realm, name, question: { dryRun, reason, note } })
    if (resumed.kind === 'running') return STILL_RUNNING
    if (resumed.kind === 'differs') return ANOTHER
    progress = resumed.progress
    const lines = withWraps(linesOf(opened.body))
    const answer = await runBulk({ ...runOf(ask, id), lines, progress, onEnd })
    if (answer === false) return ANOTHER
    isHandedOver = true
    const headers = answer.isReplay ? { ...HEADERS, 'idempotent-replayed': 'true' } : HEADERS
    return { status: 200, headers, body: answer.body }
  } finally {
    if (!isHandedOver) {
      await progress?.end()
      onEnd()
    }
  }
}

const ANOTHER: Problem = problem(422, 'this Idempotency-Key belongs to another request; use a new one')
const HEADERS = { 'content-type': NDJSON, 'cache-control': 'no-store' }

async function* nothing(): AsyncGenerator<Uint8Array, void> {}

type RunParts = Omit<Parameters<typeof runBulk>[0], 'lines' | 'progress' | 'onEnd'>

function runOf({ realm, parts, by, how, query, request }: Ask<Query>, id: string | undefined): RunParts {
  const { dryRun, reason = '', note, reportAfter } = query
  const { system } = parts.realms
  const secrets = new Secrets({ realm, system, keysOf: by.realm, dialects: parts.secrets })
  const cause = id === undefined ? undefined : { code: 'bulk', bulk: id }
  const act = defined({ caller: by.caller, how, why: reason, note, cause })
  const others = by.realm === undefined ? othersThan(realm, parts.realms) : []
  return {
    act: { realm, system, keySets: parts.keySets, others, dryRun, act, secrets },
    bulk: id,
    reportAfter,
    ended: id === undefined || dryRun ? noTargets() : targetsEndedBy(realm, id),
    gone: request.gone,
    settled: async () => (dryRun ? undefined : parts.realms.nodes?.everywhere([realm.ordinal])),
  }
}

async function* noTargets(): AsyncGenerator<Target, void> {}

/** The most other realms in which tokens are looked for. */
const OTHER_REALMS_MAX = 64

function othersThan(realm: Realm, realms: Realms): readonly Realm[] {
  const others = realms.all().filter((one) => one !== realm && one !== realms.system)
  return others.filter((one) => realms.whyNotIn(one) === undefined).slice(0, OTHER_REALMS_MAX)
}

const PAGE = 1_000

/** What the receipts of a call say that it has ended. @throws StoreUnavailable. */
async function* targetsEndedBy(realm: Realm, id: string): AsyncGenerator<Target, void> {
  let before: number | undefined
  do {
    const of = { filters: { cause: id }, before, sinceMs: undefined, untilMs: undefined, limit: PAGE }
    const { found, next } = await searchReceipts(realm, of)
    for (const { rules } of found) for (const { target } of rules) yield target
    before = next
  } while (before !== undefined)
}
