import type { Acknowledge, Realm, Realms } from '@rescind/authority'
import { seqOf } from '@rescind/core'
import { jsonAnswer } from '@rescind/dialects'
import { z } from 'zod'
import { type Problem, problem } from '../../../http/problem.ts'
import { parseRevocationId, RECEIPT, receiptJson, type Written } from '../../../receipts/receipt.ts'
import { epochOf, writtenAt } from '../../../receipts/search.ts'
import { ReceiptStream } from '../../../receipts/stream.ts'
import { type Endpoint, endpoint } from '../../frame/endpoint.ts'

/** `GET /control/v1/revocations/{id}`: the receipt, and which verifiers have applied it. */
const READ_REVOCATION: Endpoint = endpoint({
  method: 'GET',
  path: '/revocations/{id}',
  operation: 'readRevocation',
  summary:
    'The receipt of a revocation: who, why, when, what it covered, and which verifiers have applied it',
  role: 'viewer',
  answers: { 200: { what: 'The receipt', schema: RECEIPT } },
  handle: async ({ realm, params, parts }) => {
    const written = await receiptOf(realm, params['id'] ?? '')
    if (written === undefined) return NO_RECEIPT
    const acknowledged = await acknowledgedBy(parts.realms.nodes, realm, written)
    const enforcement = await parts.enforcement.now(realm, written)
    return jsonAnswer(200, { ...receiptJson(realm, written), acknowledged, ...enforcement })
  },
})

const STREAM_TIMEOUT_MS = 60_000
const STREAM_TIMEOUT_MAX_MS = 600_000

const EVENTS_QUERY = z.strictObject({
  timeoutMs: z
    .int()
    .min(0)
    .max(STREAM_TIMEOUT_MAX_MS)
    .default(STREAM_TIMEOUT_MS)
    .describe('When the stream ends although some instances are behind'),
})

/** `GET /control/v1/revocations/{id}/events`: the receipt as it fills in. */
const FOLLOW_REVOCATION: Endpoint = endpoint({
  method: 'GET',
  path: '/revocations/{id}/events',
  operation: 'followRevocation',
  summary: 'The receipt, then an event for each verifier that applies it or lapses, until all have',
  role: 'viewer',
  query: EVENTS_QUERY,
  answers: { 200: { what: 'receipt, then instance, gone, enforced, end', type: 'text/event-stream' } },
  handle: async ({ realm, params, parts, query, by }) => {
    const written = await receiptOf(realm, params['id'] ?? '')
    if (written === undefined) return NO_RECEIPT
    const acknowledged = await acknowledgedBy(parts.realms.nodes, realm, written)
    const receipt = { ...receiptJson(realm, written), acknowledged }
    const { enforcement, monotonicMs } = parts
    const { timeoutMs } = query
    const attach = enforcement.follow(realm, by.caller, (sink) => {
      const stream = new ReceiptStream(
        { realm, of: written, receipt, enforcement, monotonicMs, timeoutMs },
        sink,
      )
      stream.start()
      return stream
    })
    return attach === undefined ? FULL : { status: 200, headers: STREAM_HEADERS, body: { attach } }
  },
})

const STREAM_HEADERS = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-store, no-transform',
  'x-accel-buffering': 'no',
}

const FULL: Problem = problem(429, 'this key or this realm follows too many receipts; close some first', {
  'retry-after': '5',
})
export const NO_RECEIPT: Problem = problem(404, 'no such revocation, or its audit has expired')

/** Whether every node of a shared store refuses by now what was revoked. @throws StoreUnavailable. */
async function acknowledgedBy(
  nodes: Realms['nodes'],
  realm: Realm,
  { at }: Written,
): Promise<Acknowledge | undefined> {
  if (nodes === undefined) return undefined
  return (await nodes.isEverywhere(realm.ordinal, seqOf(at))) ? 'everywhere' : 'durable'
}

/** The receipt with this id, while its audit is kept. */
export async function receiptOf(realm: Realm, id: string): Promise<Written | undefined> {
  const place = parseRevocationId(id)
  if (place === undefined || place.seq > realm.index.seq || epochOf(realm, place.seq) !== place.epoch)
    return undefined
  return writtenAt(realm, place.seq)
}

export const RECEIPT_ENDPOINTS: readonly Endpoint[] = [READ_REVOCATION, FOLLOW_REVOCATION]
