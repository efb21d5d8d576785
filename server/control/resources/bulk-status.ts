import type { Realm } from '@rescind/authority'
import { formatInstant } from '@rescind/core/bytes'
import { jsonAnswer } from '@rescind/dialects'
import { z } from 'zod'
import { type BulkStatus, bulkIdOf, bulkStatus } from '../../bulk/progress.ts'
import { problem } from '../../http/problem.ts'
import { type Endpoint, endpoint } from '../frame/endpoint.ts'

const count = z.int().min(0)

const STATUS = z
  .strictObject({
    bulk: z.string(),
    state: z.enum(['running', 'interrupted', 'done']),
    dryRun: z.boolean(),
    ...{ reason: z.string().optional(), note: z.string().optional() },
    counts: z.strictObject({
      lines: count,
      ...{ revoked: count, wouldRevoke: count, already: count, unknown: count, otherRealm: count },
      ...{ credential: count, notOurs: count, tooMany: count, unreadable: count, tooLong: count },
    }),
    resumeUntil: z.string().describe('Until then the same body can be sent again'),
  })
  .meta({ id: 'BulkStatus' })

type IsRunning = (realm: Realm, id: string) => boolean

/** @param isRunningHere whether this process works on a call. */
export function bulkStatusEndpoints(isRunningHere: IsRunning): readonly Endpoint[] {
  const json = (realm: Realm, status: BulkStatus): z.output<typeof STATUS> => {
    const { id, dryRun, reason, note, counts, resumeUntilMs } = status
    const state = stateOfBulk(status, isRunningHere(realm, id))
    return { bulk: id, state, dryRun, reason, note, counts, resumeUntil: formatInstant(resumeUntilMs) }
  }
  return [
    endpoint({
      method: 'GET',
      path: '/revocations/bulk/{bulkId}',
      operation: 'readBulk',
      summary: 'How far a call of POST /revocations/bulk has come; for a day, if it had an Idempotency-Key',
      role: 'viewer',
      answers: { 200: { what: 'Its state and counts', schema: STATUS } },
      handle: async ({ realm, params }) => {
        const status = await bulkStatus(realm, params['bulkId'] ?? '')
        return status === undefined ? NONE : jsonAnswer(200, json(realm, status))
      },
    }),
    endpoint({
      method: 'GET',
      path: '/revocations/bulk',
      operation: 'findBulk',
      summary: "The same of one's own call, by its Idempotency-Key",
      role: 'viewer',
      query: z.strictObject({ idempotencyKey: z.string().min(1).max(255) }),
      answers: { 200: { what: 'It, or none', schema: z.strictObject({ bulk: z.array(STATUS) }) } },
      handle: async ({ realm, by, query }) => {
        const status = await bulkStatus(realm, bulkIdOf({ owner: by.id, key: query.idempotencyKey }))
        return jsonAnswer(200, { bulk: status === undefined ? [] : [json(realm, status)] })
      },
    }),
  ]
}

type Running = Pick<BulkStatus, 'isDone' | 'isRunningElsewhere'>

export function stateOfBulk(
  { isDone, isRunningElsewhere }: Running,
  isRunningHere: boolean,
): 'running' | 'done' | 'interrupted' {
  if (isRunningHere || isRunningElsewhere) return 'running'
  return isDone ? 'done' : 'interrupted'
}

const NONE = problem(404, 'no such call, or its last progress was more than a day ago')
