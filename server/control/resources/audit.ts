import type { Realm } from '@rescind/authority'
import { parseInstant } from '@rescind/core/bytes'
import { type ChainedLogRow, ROW_KIND_NAMES } from '@rescind/core/log'
import type { Answer } from '@rescind/dialects'
import { z } from 'zod'
import { exportLog, rangeAfter } from '../../audit/export.ts'
import { type RowJson, rowJson } from '../../audit/row-json.ts'
import { isAnswer, type Problem, problem } from '../../http/problem.ts'
import { UNREADABLE } from '../../receipts/stored-row.ts'
import { type Ask, type Endpoint, endpoint } from '../frame/endpoint.ts'
import { answerNumberedPage } from '../frame/paged.ts'
import { unknownBy } from '../frame/who.ts'

const PAGE_MAX = 1_000
/** Rows of one read. */
const READ_ROWS = 100
/** Rows read for one page. A page of a rare kind may be short, or empty, and still have a next one. */
const LOOKED_MAX = 10_000
const TEXT_MAX = 512

const text = z.string().min(1).max(TEXT_MAX).optional()

const QUERY = z.object({
  kind: z.enum([...ROW_KIND_NAMES, UNREADABLE]).optional(),
  by: text.describe("Whose act: oauth:svc, control:first, …, or a control key's name"),
  from: text.describe('The network address it came from'),
  how: text.describe('Which call: oauth.revoke, control.createKey, …'),
  why: text.describe('The reason that was given'),
  collection: text.describe('Of changes: which records'),
  since: text.describe('RFC 3339; at it or later'),
  until: text.describe('RFC 3339; before it'),
  order: z.enum(['newest', 'oldest']).default('newest'),
  cursor: z.string().optional(),
  limit: z.int().min(1).max(PAGE_MAX).default(100),
})
type Query = z.output<typeof QUERY>

const members = z.record(z.string(), z.unknown())
const PAGE = z.strictObject({
  rows: z.array(
    z.strictObject({
      seq: z.int(),
      at: z.string(),
      kind: z.string(),
      rule: members,
      /** Who, from where, how and why; absent once it has expired. */
      audit: members.optional(),
    }),
  ),
  next: z.string().optional(),
})

const NDJSON = 'application/x-ndjson'
const EXPORT_QUERY = z.object({ after: z.int().min(0).default(0) })
const AN_EXPORT = { what: 'The log, row by row, with what its chain is checked by', type: NDJSON } as const

function listing(reach: 'realm' | 'store'): Endpoint {
  const [path, whose] = reach === 'realm' ? ['/audit', 'this realm'] : ['/audit/system', 'the store']
  return endpoint({
    method: 'GET',
    path,
    operation: reach === 'realm' ? 'listAudit' : 'listSystemAudit',
    summary: `The log of ${whose}: every revocation, hold and change, by whom, from where and why`,
    role: 'viewer',
    reach,
    scans: true,
    query: QUERY,
    answers: { 200: { what: 'A page of rows, and the cursor of the next one', schema: PAGE } },
    handle: list,
  })
}

function exporting(reach: 'realm' | 'store'): Endpoint {
  const [path, whose] =
    reach === 'realm' ? ['/audit/export', 'this realm'] : ['/audit/system/export', 'the store']
  return endpoint({
    method: 'GET',
    path,
    operation: reach === 'realm' ? 'exportAudit' : 'exportSystemAudit',
    summary: `The log of ${whose} as lines that \`rescind audit verify\` checks`,
    role: 'viewer',
    reach,
    scans: true,
    query: EXPORT_QUERY,
    answers: { 200: AN_EXPORT },
    handle: async ({ realm, query }) => {
      const range = await rangeAfter(realm, query.after)
      if (range === undefined) return problem(422, 'after: beyond the end of the log')
      return { status: 200, headers: EXPORT_HEADERS, body: exportLog(realm, range) }
    },
  })
}

const EXPORT_HEADERS = { 'content-type': NDJSON, 'cache-control': 'no-store' }

export const AUDIT_ENDPOINTS: readonly Endpoint[] = [
  listing('realm'),
  listing('store'),
  exporting('realm'),
  exporting('store'),
]

async function list(ask: Ask<Query>): Promise<Answer> {
  const { realm, query } = ask
  const { cursor, limit, ...filters } = query
  const times = instantsOf(query)
  if (isAnswer(times)) return times
  const of = { realm, list: `audit?${JSON.stringify(filters)}`, member: 'rows' }
  const fits = (row: ChainedLogRow, json: RowJson): boolean => fitsAll(filters, times, { row, json })
  return answerNumberedPage(of, cursor, async (place) => {
    const { rows, next } = await scan(realm, { order: query.order, place, limit, fits })
    const isEmpty = rows.length === 0 && next === undefined && cursor === undefined
    return (isEmpty ? await unknownBy(ask, query.by) : undefined) ?? { items: rows, next }
  })
}

type Times = { readonly sinceMs: number; readonly untilMs: number }

function instantsOf({ since, until }: Query): Times | Problem {
  const [sinceMs, untilMs] = [since ?? '1970-01-01T00:00:00Z', until ?? '9999-12-31T23:59:59.999Z'].map(
    parseInstant,
  )
  if (sinceMs === undefined) return problem(422, 'since: not an RFC 3339 instant')
  if (untilMs === undefined) return problem(422, 'until: not an RFC 3339 instant')
  return { sinceMs, untilMs }
}

type Filters = Omit<Query, 'cursor' | 'limit'>

function fitsAll(
  { kind, collection, ...said }: Filters,
  { sinceMs, untilMs }: Times,
  { row, json }: { readonly row: ChainedLogRow; readonly json: RowJson },
): boolean {
  if (row.atMs < sinceMs || row.atMs >= untilMs) return false
  if (kind !== undefined && json.kind !== kind) return false
  if (collection !== undefined && json.rule['collection'] !== collection) return false
  return (['by', 'from', 'how', 'why'] as const).every(
    (name) => said[name] === undefined || saysSo(json.audit, name, said[name]),
  )
}

/** An author is named by id or by name. */
function saysSo(audit: RowJson['audit'], name: 'by' | 'from' | 'how' | 'why', text: string): boolean {
  return audit?.[name] === text || (name === 'by' && audit?.['byName'] === text)
}

type Scan = {
  readonly order: 'newest' | 'oldest'
  /** The seq that was read last. */
  readonly place: number | undefined
  readonly limit: number
  readonly fits: (row: ChainedLogRow, json: RowJson) => boolean
}

async function scan(
  realm: Realm,
  { order, place, limit, fits }: Scan,
): Promise<{ rows: RowJson[]; next?: number }> {
  // The store's head also counts rows that could not be folded and put their realm out of order.
  const { seq: head } = await realm.store.head(realm.ordinal)
  const { seq: anchor } = await realm.store.anchor(realm.ordinal)
  const rows: RowJson[] = []
  let last = place ?? (order === 'newest' ? head + 1 : 0)
  for (let looked = 0; looked < LOOKED_MAX; looked += READ_ROWS) {
    const read = await readFrom(realm, { order, last, anchor })
    for (const row of read) {
      const json = rowJson(row)
      last = row.seq
      if (fits(row, json)) rows.push(json)
      if (rows.length === limit) break
    }
    const isEnd = order === 'newest' ? last <= anchor + 1 : read.length < READ_ROWS && last >= head
    if (isEnd || read.length === 0) return { rows }
    if (rows.length === limit) break
  }
  return { rows, next: last }
}

/** Rows beyond a seq, nearest first. */
async function readFrom(
  { store, ordinal }: Realm,
  { order, last, anchor }: { order: Scan['order']; last: number; anchor: number },
): Promise<readonly ChainedLogRow[]> {
  if (order === 'oldest') return store.chainedRowsAfter(ordinal, last, READ_ROWS)
  // Rows before the anchor have been trimmed off.
  const after = Math.max(anchor, last - 1 - READ_ROWS)
  if (last - 1 <= after) return []
  const rows = await store.chainedRowsAfter(ordinal, after, last - 1 - after)
  return rows.toReversed()
}
