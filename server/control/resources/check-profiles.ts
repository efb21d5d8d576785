import type { Answer, Stale } from '@rescind/dialects'
import type { z } from 'zod'
import { problem } from '../../http/problem.ts'
import { NAME, NAMED_PROFILE, PROFILE, PUT_BODY, profileOf } from '../../records/profile-schema.ts'
import { CHECK_PROFILES, type CheckProfile } from '../../records/profiles.ts'
import { type Ask, type Endpoint, endpoint } from '../frame/endpoint.ts'
import { unlessMatches } from '../frame/etag.ts'
import { put, type Records } from '../frame/records.ts'
import { createOf, listOf, readOf, removeOf, wholeOf } from '../frame/resource.ts'

const PROFILES: Records<CheckProfile> = {
  collection: CHECK_PROFILES,
  path: '/check-profiles/{profile}',
  what: 'The profile',
  schema: PROFILE,
  json: ({ value }) => value,
  none: problem(404, 'no such profile'),
}

export const CHECK_PROFILE_ENDPOINTS: readonly Endpoint[] = [
  createOf(PROFILES, {
    operation: 'createCheckProfile',
    summary: 'Say what a route demands of its callers',
    body: NAMED_PROFILE,
    conditional: true,
    make: async ({ realm, body }) => {
      const { version, entry } = await realm.directory.state(CHECK_PROFILES, body.name)
      if (entry !== undefined) return problem(409, 'name: already in use by a profile')
      return { id: body.name, version, value: profileOf(body) }
    },
  }),
  listOf(PROFILES, {
    operation: 'listCheckProfiles',
    summary: 'List profiles by name',
    member: 'items',
    list: 'check-profiles',
    what: 'A page of profiles',
  }),
  readOf(PROFILES, {
    operation: 'getCheckProfile',
    summary: 'Read a profile',
    unchanged: 'It has not changed',
  }),
  endpoint({
    method: 'PUT',
    path: PROFILES.path,
    operation: 'putCheckProfile',
    summary: 'Create or replace a profile',
    role: 'admin',
    body: PUT_BODY,
    conditional: true,
    answers: { 200: wholeOf(PROFILES), 201: { what: 'The profile, which is new', schema: PROFILE } },
    handle: replace,
  }),
  removeOf(PROFILES, {
    operation: 'deleteCheckProfile',
    summary: 'Delete a profile: what asks by it is let in no more',
    what: 'It is gone',
  }),
]

async function replace(ask: Ask<unknown, z.output<typeof PUT_BODY>>): Promise<Answer | Stale> {
  const { params, realm, request, body } = ask
  const name = NAME.safeParse(params['profile'])
  if (!name.success) return problem(422, 'profile: letters, digits, ".", "_", "-"; at most 64')
  const { version, entry } = await realm.directory.state(CHECK_PROFILES, name.data)
  if (entry === undefined && request.header('if-match') !== undefined)
    return problem(412, 'If-Match: there is no such profile')
  const refused = entry === undefined ? undefined : unlessMatches(request, version)
  if (refused !== undefined) return refused
  const value = profileOf({ ...body, name: name.data })
  return put(PROFILES, ask, { id: name.data, version, value, status: entry === undefined ? 201 : 200 })
}
