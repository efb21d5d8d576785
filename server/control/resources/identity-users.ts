import type { Entry, Realm } from '@rescind/authority'
import { unreachable } from '@rescind/core'
import {
  type Answer,
  foldedName,
  IDENTITY_USERS,
  type IdentityUser,
  type IdentityWritten,
  identityAccountOf,
  identityMfaOf,
  identityRole,
  identityUpdated,
  jsonAnswer,
  type Stale,
  writeIdentity,
} from '@rescind/dialects'
import { z } from 'zod'
import { type Problem, problem } from '../../http/problem.ts'
import { compareAll } from '../../records/people.ts'
import { isOnHold } from '../../rules/held.ts'
import { type Ask, type Endpoint, endpoint } from '../frame/endpoint.ts'
import { etagOf, unlessMatches } from '../frame/etag.ts'
import { answerPage, PAGE_QUERY, pageShape } from '../frame/paged.ts'
import { refusedEnding } from './rules/ending.ts'

const SOURCE = 'identity'
const optional = z.string().optional()
const count = z.int().min(0)

const USER_MEMBERS = {
  ...{ id: z.string(), username: z.string(), email: optional, description: optional },
  enabled: z.boolean(),
  state: z.enum(['live', 'disabled', 'held']),
  ...{ domain: z.string(), account: optional, tenant: optional },
  ...{ hasPassword: z.boolean(), hasApiKey: z.boolean() },
  secondFactor: z.strictObject({
    ...{ enabled: z.boolean(), enforcement: z.enum(['DEFAULT', 'OPTIONAL', 'REQUIRED']) },
    ...{ otpDevices: count, phones: count },
  }),
} as const

const USER = z.strictObject({
  ...USER_MEMBERS,
  roles: z
    .array(
      z.strictObject({
        ...{ id: z.string(), name: z.string() },
        ...{ tenant: optional, domain: optional, system: z.literal(true).optional() },
      }),
    )
    .optional()
    .describe('Only of one user'),
})
const WHOLE = { what: 'The user, without anything secret', schema: USER }

const text = z.string().min(1).max(1_024).optional()
const LIST_QUERY = z.object({
  ...PAGE_QUERY.shape,
  name: text.describe('In any case'),
  email: text.describe('In any case'),
  domain: text.describe('A v3 domain'),
  account: text.describe('An account of v2.0'),
})
type ListQuery = z.output<typeof LIST_QUERY>
const FILTERS = ['name', 'email', 'domain', 'account'] as const

const LIST: Endpoint = endpoint({
  method: 'GET',
  path: '/identity-users',
  operation: 'listIdentityUsers',
  summary: 'Users of the Identity dialect, by name, e-mail address, domain or account; no secret is shown',
  role: 'viewer',
  scans: true,
  query: LIST_QUERY,
  answers: { 200: pageShape('users', USER) },
  handle: list,
})

const READ: Endpoint = endpoint({
  method: 'GET',
  path: '/identity-users/{userId}',
  operation: 'readIdentityUser',
  summary: 'One user, without anything secret',
  role: 'viewer',
  conditional: true,
  answers: { 200: WHOLE },
  handle: async ({ realm, params }) => {
    const { entry } = await realm.directory.state(IDENTITY_USERS, params['userId'] ?? '')
    return entry === undefined ? NO_USER : userAnswer(realm, entry)
  },
})

type ChangeBody = { readonly enabled: boolean; readonly reason?: string | undefined }

const CHANGE: Endpoint = endpoint({
  method: 'PATCH',
  path: '/identity-users/{userId}',
  operation: 'changeIdentityUser',
  summary: 'Disable a user, which ends everything of it, or let it in again',
  role: 'admin',
  rateClass: 'revoke',
  conditional: true,
  body: z.strictObject({
    enabled: z.boolean(),
    reason: z.string().min(1).max(256).optional().describe('Why, for the log'),
  }),
  answers: { 200: WHOLE },
  problems: [409],
  handle: change,
})

export const IDENTITY_USER_ENDPOINTS: readonly Endpoint[] = [LIST, READ, CHANGE]

const NO_USER: Problem = problem(404, 'no such user')
const NO_ROOM: Problem = problem(
  409,
  'too many records depend on this user for one write: end its credentials first',
)

async function list({ realm, query, parts }: Ask<ListQuery>): Promise<Answer> {
  const given = FILTERS.filter((name) => query[name] !== undefined)
  const [filter] = given
  if (given.length > 1) return problem(422, `${given.join(', ')}: give only one of them`)
  const value = filter === undefined ? '' : (query[filter] ?? '')
  const endMs = parts.monotonicMs() + COMPARED_MS
  const isOver = (): boolean => parts.monotonicMs() >= endMs
  const of = { realm, list: `identityUsers?${JSON.stringify([filter, value])}`, member: 'users' }
  return answerPage(of, query.cursor, async (after) => {
    if (filter === 'name' || filter === 'email') {
      const found = await calledSo(realm, { by: filter, value, isOver })
      return { items: found.map((one) => userJson(realm, one)), next: undefined }
    }
    const listed = filter === undefined ? {} : { listed: { name: filter, value } }
    const page = await realm.directory.page(IDENTITY_USERS, { ...listed, after, limit: query.limit })
    return { items: page.entries.map((one) => userJson(realm, one)), next: page.next }
  })
}

const NAMESAKES_MAX = 1_000
/** How long users are compared one by one. */
const COMPARED_MS = 2_000

type Called = { readonly by: 'name' | 'email'; readonly value: string; readonly isOver: () => boolean }

/** In any case; where there are too many users to compare each one, those that an earlier version wrote as it is written. */
async function calledSo(
  realm: Realm,
  { by, value, isOver }: Called,
): Promise<readonly Entry<IdentityUser>[]> {
  const folded = foldedName(value)
  const fits = ({ username, email }: IdentityUser): boolean =>
    foldedName((by === 'name' ? username : email) ?? '') === folded
  const compared = await compareAll(realm, IDENTITY_USERS, { fits, isOver })
  if (compared.isWhole) return compared.entries
  const page = { after: undefined, limit: NAMESAKES_MAX }
  const listed = { name: 'folded', value: folded }
  const found = [...(await realm.directory.page(IDENTITY_USERS, { ...page, listed })).entries]
  if (by === 'email') {
    const exact = { name: 'email', value }
    found.push(...(await realm.directory.page(IDENTITY_USERS, { ...page, listed: exact })).entries)
  } else {
    const exact = { collection: IDENTITY_USERS.name, name: 'username', value }
    const record = await realm.store.recordByKey(realm.ordinal, exact)
    const entry = record === undefined ? undefined : await realm.directory.readable(IDENTITY_USERS, record.id)
    if (entry !== undefined) found.push(entry)
  }
  return [...new Map(found.filter((one) => fits(one.value)).map((entry) => [entry.id, entry])).values()]
}

async function change(ask: Ask<unknown, ChangeBody>): Promise<Answer | Stale> {
  const { realm, params, request, body, by, how } = ask
  const { entry } = await realm.directory.state(IDENTITY_USERS, params['userId'] ?? '')
  if (entry === undefined) return NO_USER
  const differs = unlessMatches(request, entry.version)
  if (differs !== undefined) return differs
  const { enabled, reason } = body
  if (entry.value.enabled === enabled) return userAnswer(realm, entry)
  const refused = enabled ? undefined : await refusedEnding(ask, [everythingOf(entry.id)])
  if (refused !== undefined) return refused
  const after = { ...entry.value, enabled }
  const act = { caller: by.caller, how, ...(reason === undefined ? {} : { why: reason }) }
  const written = await writeIdentity(realm, [identityUpdated('user', entry, after)], act)
  const wrong = answerOf(written)
  if (wrong !== undefined) return wrong
  return userAnswer(realm, { ...entry, version: entry.version + 1, value: after })
}

/** @returns undefined when it was written. */
function answerOf({ kind }: IdentityWritten): Problem | Stale | undefined {
  switch (kind) {
    case 'written':
      return undefined
    case 'too-many':
      return NO_ROOM
    case 'stale':
      return 'stale'
    // No text changes, no name, and no passcode is used.
    case 'holds-credential':
    case 'name-taken':
    case 'code-used':
      throw new TypeError(`a user that was only enabled or disabled: ${kind}`)
    default:
      return unreachable(kind)
  }
}

function everythingOf(subject: string): {
  kind: 'cut'
  shape: 'subject'
  principals: { source: string; subject: string }
} {
  return { kind: 'cut', shape: 'subject', principals: { source: SOURCE, subject } }
}

async function userAnswer(realm: Realm, entry: Entry<IdentityUser>): Promise<Answer> {
  const roles: object[] = []
  for (const { roleId, tenantId, domainId, system } of entry.value.grants) {
    const { id, name } = await identityRole(realm, roleId)
    roles.push({ id, name, tenant: tenantId, domain: domainId, system })
  }
  return jsonAnswer(200, { ...userJson(realm, entry), roles }, { etag: etagOf(entry.version) })
}

function stateOf(
  realm: Realm,
  { id, enabled }: { readonly id: string; readonly enabled: boolean },
): 'live' | 'disabled' | 'held' {
  if (!enabled) return 'disabled'
  return isOnHold(realm, { source: SOURCE, subject: id }) ? 'held' : 'live'
}

function userJson(realm: Realm, { id, value }: Entry<IdentityUser>): z.output<typeof USER> {
  const { username, email, description, enabled, domainId, tenantId, passwordHash, apiKeyDigest } = value
  const { isEnabled, enforcement, otpDevices, phones } = identityMfaOf(value)
  return {
    ...{ id, username, email, description, enabled },
    state: stateOf(realm, { id, enabled }),
    ...{ domain: domainId, account: identityAccountOf(value), tenant: tenantId },
    ...{ hasPassword: passwordHash !== undefined, hasApiKey: apiKeyDigest !== undefined },
    secondFactor: {
      ...{ enabled: isEnabled, enforcement },
      ...{ otpDevices: otpDevices.length, phones: phones.length },
    },
  }
}
