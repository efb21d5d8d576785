import type { Entry } from '@rescind/authority'
import { jsonAnswer, type Stale } from '@rescind/dialects'
import type { z } from 'zod'
import { isAnswer, type Problem } from '../../http/problem.ts'
import { type AnswerShape, type Ask, type Endpoint, type EndpointShape, endpoint } from './endpoint.ts'
import { etagOf, isKnown, notModified } from './etag.ts'
import { answerPage, PAGE_QUERY, pageShape } from './paged.ts'
import { type Beside, type Change, type Made, matchedRecordOf, put, type Records, remove } from './records.ts'

/** The texts of one endpoint; the rest is the same for all kinds of records. */
type Said = Pick<EndpointShape, 'operation' | 'summary' | 'rateClass'>

type Creation<T, B> = Said & {
  readonly body: z.ZodType<B>
  readonly conditional?: true
  /** The shape of the answer, if it holds more than the record. */
  readonly answer?: AnswerShape
  readonly make: (ask: Ask<unknown, B>) => Promise<Made<T> | Problem | Stale>
}

/** `POST /issuers` */
export function createOf<T, B>(records: Records<T>, creation: Creation<T, B>): Endpoint {
  const { make, answer = wholeOf(records), ...said } = creation
  return endpoint({
    ...said,
    method: 'POST',
    path: listPath(records),
    role: 'admin',
    answers: { 201: answer },
    handle: async (ask) => {
      const made = await make(ask)
      return made === 'stale' || isAnswer(made) ? made : put(records, ask, { ...made, status: 201 })
    },
  })
}

type Listing = Said & {
  /** The member that holds the items. */
  readonly member: string
  /** The list's name in cursors; absent: the member's name. */
  readonly list?: string
  readonly what?: string
}

/** `GET /issuers` */
export function listOf<T>(records: Records<T>, { member, list = member, what, ...said }: Listing): Endpoint {
  return endpoint({
    ...said,
    method: 'GET',
    path: listPath(records),
    role: 'viewer',
    query: PAGE_QUERY,
    answers: { 200: pageShape(member, records.schema, what) },
    handle: (ask) => {
      const { realm, query } = ask
      return answerPage({ realm, list, member }, query.cursor, async (after) => {
        const page = await realm.directory.page(records.collection, { after, limit: query.limit })
        return { items: page.entries.map((entry) => records.json(entry, ask)), next: page.next }
      })
    },
  })
}

type Reading = Said & {
  /**
   * The validator for a 304. Absent: the answer shows more than the record, so the record's version does not validate
   * it.
   */
  readonly unchanged?: string
}

/** `GET /issuers/{issuerId}` */
export function readOf<T>(records: Records<T>, { unchanged, ...said }: Reading): Endpoint {
  return endpoint({
    ...said,
    method: 'GET',
    path: records.path,
    role: 'viewer',
    conditional: true,
    answers: { 200: wholeOf(records), ...(unchanged === undefined ? {} : { 304: { what: unchanged } }) },
    handle: async (ask) => {
      const entry = await matchedRecordOf(records, ask)
      if (isAnswer(entry)) return entry
      if (unchanged !== undefined && isKnown(ask.request, entry.version)) return notModified(entry.version)
      return jsonAnswer(200, records.json(entry, ask), { etag: etagOf(entry.version) })
    },
  })
}

type Changing<T, B> = Said & {
  /** Absent: admin. */
  readonly role?: 'responder' | 'admin'

  readonly body: z.ZodType<B>
  readonly change: (ask: Ask<unknown, B>, before: Entry<T>) => Promise<Change<T> | Problem | Stale>
}

/** `PATCH /issuers/{issuerId}`, or a `POST` to a path below it that changes the record. */
export function changeOf<T, B>(
  records: Records<T>,
  { change, below, role = 'admin', ...said }: Changing<T, B> & { readonly below?: string },
): Endpoint {
  return endpoint({
    ...said,
    method: below === undefined ? 'PATCH' : 'POST',
    path: below === undefined ? records.path : `${records.path}/${below}`,
    role,
    conditional: true,
    answers: { 200: wholeOf(records) },
    handle: async (ask) => {
      const before = await matchedRecordOf(records, ask)
      if (isAnswer(before)) return before
      const changed = await change(ask, before)
      if (changed === 'stale' || isAnswer(changed)) return changed
      return put(records, ask, { ...before, ...changed, status: 200 })
    },
  })
}

type Removal<T> = Said & {
  readonly what: string
  readonly beside?: (ask: Ask, before: Entry<T>) => Promise<Beside | Problem>
}

/** `DELETE /issuers/{issuerId}` */
export function removeOf<T>(records: Records<T>, { what, beside, ...said }: Removal<T>): Endpoint {
  return endpoint({
    ...said,
    method: 'DELETE',
    path: records.path,
    role: 'admin',
    conditional: true,
    answers: { 204: { what } },
    handle: async (ask) => {
      const before = await matchedRecordOf(records, ask)
      if (isAnswer(before)) return before
      const also = (await beside?.(ask, before)) ?? {}
      return isAnswer(also) ? also : remove(records, ask, { ...before, ...also })
    },
  })
}

export function wholeOf({ what, schema }: Records<never>): AnswerShape {
  return { what, schema }
}

function listPath({ path }: Records<never>): string {
  return path.slice(0, path.lastIndexOf('/'))
}
