import { deleteRecord, type Entry, putRecord, type Realm } from '@rescind/authority'
import { type Answer, jsonAnswer, type Stale } from '@rescind/dialects'
import { z } from 'zod'
import { isAnswer, problem } from '../../http/problem.ts'
import { NAME, NAMED_PROFILE, PROFILE, PUT_BODY, profileOf } from '../../records/profile-schema.ts'
import { CHECK_PROFILES, type CheckProfile } from '../../records/profiles.ts'
import { auditOf, commitChange } from '../frame/change.ts'
import { makeCursor, readCursor } from '../frame/cursor.ts'
import { type Ask, type Endpoint, endpoint } from '../frame/endpoint.ts'
import { etagOf, isKnown, unlessMatches } from '../frame/etag.ts'

const PAGE = z.object({ items: z.array(PROFILE), next: z.string().optional() })
const LIST_QUERY = z.object({ cursor: z.string().optional(), limit: z.int().min(1).max(1_000).default(100) })

const CREATE = endpoint({
  method: 'POST',
  path: '/check-profiles',
  operation: 'createCheckProfile',
  summary: 'Say what a route demands of its callers',
  role: 'admin',
  body: NAMED_PROFILE,
  conditional: true,
  answers: { 201: { what: 'The profile', schema: PROFILE } },
  problems: [409],
  handle: async (ask) => {
    const { name } = ask.body
    const { version, entry } = await ask.realm.directory.standing(CHECK_PROFILES, name)
    if (entry !== undefined) return problem(409, 'there is a profile of this name')
    return write(ask, { value: profileOf(ask.body), fromVersion: version, status: 201 })
  },
})

const PUT = endpoint({
  method: 'PUT',
  path: '/check-profiles/{profile}',
  operation: 'putCheckProfile',
  summary: 'Create or replace a profile',
  role: 'admin',
  body: PUT_BODY,
  conditional: true,
  answers: {
    200: { what: 'The profile', schema: PROFILE },
    201: { what: 'The profile, which is new', schema: PROFILE },
  },
  problems: [412, 422],
  handle: async (ask) => {
    const { params, realm, request, body } = ask
    const name = NAME.safeParse(params['profile'])
    if (!name.success) return problem(422, 'profile: letters, digits, ".", "_", "-"; at most 64')
    const { version, entry } = await realm.directory.standing(CHECK_PROFILES, name.data)
    if (entry === undefined && request.header('if-match') !== undefined)
      return problem(412, 'If-Match: there is no such profile')
    const refused = entry === undefined ? undefined : unlessMatches(request, version)
    const status = entry === undefined ? 201 : 200
    return (
      refused ?? write(ask, { value: profileOf({ ...body, name: name.data }), fromVersion: version, status })
    )
  },
})

const GET = endpoint({
  method: 'GET',
  path: '/check-profiles/{profile}',
  operation: 'getCheckProfile',
  summary: 'Read a profile',
  role: 'viewer',
  conditional: true,
  answers: { 200: { what: 'The profile', schema: PROFILE }, 304: { what: 'It has not changed' } },
  problems: [404],
  handle: async ({ realm, request, params }) => {
    const entry = await found(realm, params)
    if (entry === undefined) return NO_PROFILE
    const headers = { etag: etagOf(entry.version) }
    if (isKnown(request, entry.version)) return { status: 304, headers, body: '' }
    return jsonAnswer(200, entry.value, headers)
  },
})

const LIST = endpoint({
  method: 'GET',
  path: '/check-profiles',
  operation: 'listCheckProfiles',
  summary: 'List profiles by name',
  role: 'viewer',
  query: LIST_QUERY,
  answers: { 200: { what: 'A page of profiles', schema: PAGE } },
  handle: async ({ realm, query }) => {
    const of = { realm, list: 'check-profiles' }
    const cursor = readCursor(of, query.cursor)
    if (isAnswer(cursor)) return cursor
    const { entries, next } = await realm.directory.page(CHECK_PROFILES, {
      after: cursor.place,
      limit: query.limit,
    })
    const items = entries.map(({ value }) => value)
    return jsonAnswer(200, next === undefined ? { items } : { items, next: makeCursor(of, next) })
  },
})

const DELETE = endpoint({
  method: 'DELETE',
  path: '/check-profiles/{profile}',
  operation: 'deleteCheckProfile',
  summary: 'Delete a profile: what asks by it is let in no more',
  role: 'admin',
  conditional: true,
  answers: { 204: { what: 'It is gone' } },
  problems: [404, 412],
  handle: async (ask) => {
    const { realm, request, params } = ask
    const entry = await found(realm, params)
    if (entry === undefined) return NO_PROFILE
    const refused = unlessMatches(request, entry.version)
    if (refused !== undefined) return refused
    const deletion = { collection: CHECK_PROFILES.name, id: entry.id, fromVersion: entry.version }
    const outcome = await commitChange(ask, deleteRecord(realm, deletion, auditOf(ask)))
    return outcome.kind === 'applied' ? { status: 204, headers: {}, body: '' } : 'stale'
  },
})

const NO_PROFILE: Answer = problem(404, 'no such profile')

async function found({ directory }: Realm, params: Ask['params']): Promise<Entry<CheckProfile> | undefined> {
  return directory.get(CHECK_PROFILES, params['profile'] ?? '')
}

type Write = { readonly value: CheckProfile; readonly fromVersion: number; readonly status: 200 | 201 }

async function write(
  ask: Pick<Ask, 'realm' | 'by' | 'how'>,
  { value, fromVersion, status }: Write,
): Promise<Answer | Stale> {
  const put = { collection: CHECK_PROFILES, id: value.name, value, fromVersion }
  const outcome = await commitChange(ask, putRecord(ask.realm, put, auditOf(ask)))
  if (outcome.kind !== 'applied') return 'stale'
  return jsonAnswer(status, value, { etag: etagOf(fromVersion + 1) })
}

export const CHECK_PROFILE_ENDPOINTS: readonly Endpoint[] = [CREATE, LIST, GET, PUT, DELETE]
