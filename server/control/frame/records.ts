import { type Collection, deleteRecord, type Entry, type Operation, putRecord } from '@rescind/authority'
import { type Answer, jsonAnswer, type Stale } from '@rescind/dialects'
import type { z } from 'zod'
import { isAnswer, type Problem } from '../../http/problem.ts'
import { auditOf, commitChange, NO_CONTENT } from './change.ts'
import type { Ask } from './endpoint.ts'
import { etagOf, unlessMatches } from './etag.ts'

export type Acting = Pick<Ask, 'parts' | 'realm' | 'by' | 'how'>

/** One kind of directory record of a realm, and its form in the control API. */
export type Records<T> = {
  readonly collection: Collection<T>
  /** The path of one record, with its id as the only parameter: `/issuers/{issuerId}`. */
  readonly path: string
  /** The description of an answer with one record: `The issuer`. */
  readonly what: string
  readonly schema: z.ZodType
  readonly json: (entry: Entry<T>, ask: Acting) => object
  readonly none: Problem
  /** The answer when another record has the unique key; absent if a caller cannot choose one. */
  readonly taken?: Problem
}

/** Rows and records in the same write as the record, in this order. */
export type Beside = { readonly before?: readonly Operation[]; readonly after?: readonly Operation[] }

export type Change<T> = Beside & {
  readonly value: T
  /** Why, for the audit. */
  readonly why?: string | undefined
}

export type Made<T> = Change<T> & {
  readonly id: string
  /** The version that it replaces; 0: none. */
  readonly version: number
  /** Members that appear only in this answer. */
  readonly more?: object
}

/** The record that the path names, as the store holds it. */
export async function recordOf<T>(
  { collection, path, none }: Records<T>,
  { realm, params }: Pick<Ask, 'realm' | 'params'>,
): Promise<Entry<T> | Problem> {
  const name = path.slice(path.indexOf('{') + 1, -1)
  const { entry } = await realm.directory.state(collection, params[name] ?? '')
  return entry ?? none
}

/** The same, unless `If-Match` names another version of it. */
export async function matchedRecordOf<T>(records: Records<T>, ask: Ask): Promise<Entry<T> | Problem> {
  const entry = await recordOf(records, ask)
  return isAnswer(entry) ? entry : (unlessMatches(ask.request, entry.version) ?? entry)
}

/** Writes a record and answers with it. */
export async function put<T>(
  records: Records<T>,
  ask: Acting,
  { id, version, value, status, more, ...change }: Made<T> & { readonly status: 200 | 201 },
): Promise<Answer | Stale> {
  const { why, before = [], after = [] } = change
  const record = { collection: records.collection, id, value, fromVersion: version }
  const outcome = await commitChange(ask, [
    ...before,
    ...putRecord(ask.realm, record, auditOf(ask, why)),
    ...after,
  ])
  if (outcome.kind === 'conflict' && outcome.what === 'key-taken') return records.taken ?? 'stale'
  if (outcome.kind !== 'applied') return 'stale'
  const json = records.json({ id, version: version + 1, value }, ask)
  return jsonAnswer(status, { ...json, ...more }, { etag: etagOf(version + 1) })
}

/** Deletes a record that was read. */
export async function remove<T>(
  { collection }: Records<T>,
  ask: Acting,
  { id, version, before = [], after = [] }: Beside & Pick<Entry<T>, 'id' | 'version'>,
): Promise<Answer | Stale> {
  const deletion = { collection: collection.name, id, fromVersion: version }
  const operations = [...before, ...deleteRecord(ask.realm, deletion, auditOf(ask)), ...after]
  const outcome = await commitChange(ask, operations)
  return outcome.kind === 'applied' ? NO_CONTENT : 'stale'
}
