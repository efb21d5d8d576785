import type { RecordKey } from '@rescind/authority'
import type { Answer, Stale } from '../../../wire/answer.ts'
import { untilFresh } from '../../../wire/dialect.ts'
import type { Call } from '../../call.ts'
import { domainAt } from '../../directory/domains.ts'
import { grantedRole } from '../../directory/roles.ts'
import { domainOfTenant, tenantById } from '../../directory/tenants.ts'
import { type Grant, IDENTITY_USERS, type IdentityUser, userEntry } from '../../directory/users.ts'
import { type Acting, asActing } from '../acting.ts'
import { forbidden, malformed, success } from '../answers.ts'
import { type ListAsk, listAsk, listBody, PAGE_MAX, type Page, pageOf } from '../paging.ts'
import { governsDomain, type Power, readsAll } from '../scopes/power.ts'

/** Filters for features that this server lacks; a list with one of them is empty. */
const UNKNOWN_FILTERS: readonly string[] = ['group.id', 'scope.OS-INHERIT:inherited_to']

/**
 * `GET /v3/role_assignments`: all for callers who read everything, those in a domain for who governs it, and one's own.
 * A page ends with a whole user, so it may exceed its limit by that user's assignments.
 */
export function listAssignments(call: Call): Promise<Answer> {
  const ask = listAsk(call.request)
  return untilFresh(() =>
    asActing(call, (acting) => {
      if (ask.kind === 'malformed') return malformed(ask.detail)
      const { context, power } = acting
      const isOwn = ask.filters.get('user.id') === context.user.id
      if (!isOwn && !readsAll(power) && power.kind !== 'domain') return forbidden()
      return listed(call, acting, ask)
    }),
  )
}

type Found = { readonly user: IdentityUser; readonly grant: Grant }

/** Pages of users read for one answer. */
const ROUNDS_MAX = 50

/** The next page starts after a user that was shown, because a marker must not name a hidden user. */
async function listed(call: Call, acting: Acting, ask: ListAsk): Promise<Answer | Stale> {
  const found: Found[] = []
  let marker = ask.marker
  for (let round = 0; round < ROUNDS_MAX; round += 1) {
    const users = await usersOf(call, { ...ask, marker, limit: PAGE_MAX })
    for (const user of users.values) {
      const own = await visibleGrants(call, { acting, ask }, user)
      if (own.length > 0 && found.length >= ask.limit) return answered(call, ask, { found, isMore: true })
      found.push(...own)
    }
    if (users.next === undefined) return answered(call, ask, { found, isMore: false })
    marker = users.next
  }
  return answered(call, ask, { found, isMore: true })
}

type Asking = { readonly acting: Acting; readonly ask: ListAsk }

async function visibleGrants(call: Call, { acting, ask }: Asking, user: IdentityUser): Promise<Found[]> {
  const own: Found[] = []
  for (const grant of user.grants) {
    if (!isAsked(ask, grant)) continue
    if (user.id === acting.context.user.id || (await isWithin(call, acting.power, grant)))
      own.push({ user, grant })
  }
  return own
}

type Answering = { readonly found: readonly Found[]; readonly isMore: boolean }

async function answered(call: Call, ask: ListAsk, { found, isMore }: Answering): Promise<Answer> {
  const hasNames = isOn(ask, 'include_names')
  const items: object[] = []
  for (const one of found) items.push(await assignmentJson(call, one, hasNames))
  const next = isMore ? found.at(-1)?.user.id : undefined
  return success(200, listBody(call.request, 'role_assignments', { items, next }))
}

async function usersOf({ realm }: Call, ask: ListAsk): Promise<Page<IdentityUser>> {
  if (UNKNOWN_FILTERS.some((name) => ask.filters.has(name))) return { values: [], next: undefined }
  const userId = ask.filters.get('user.id')
  if (userId === undefined)
    return pageOf(realm, IDENTITY_USERS, { ask, listed: listOf(ask), fits: () => true })
  const user = (await userEntry(realm, userId))?.value
  return { values: user === undefined ? [] : [user], next: undefined }
}

/** The list key that finds the fewest users. */
function listOf({ filters }: ListAsk): RecordKey | undefined {
  const [project, domain, role] = ['scope.project.id', 'scope.domain.id', 'role.id'].map((name) =>
    filters.get(name),
  )
  if (project !== undefined) return { name: 'tenant', value: project }
  if (domain !== undefined) return { name: 'grantDomain', value: domain }
  return role === undefined ? undefined : { name: 'role', value: role }
}

function isAsked({ filters }: ListAsk, grant: Grant): boolean {
  const is = (name: string, value: string | undefined): boolean => {
    const asked = filters.get(name)
    return asked === undefined || asked === value
  }
  const system = grant.tenantId === undefined && grant.domainId === undefined ? 'all' : undefined
  return (
    is('role.id', grant.roleId) &&
    is('scope.project.id', grant.tenantId) &&
    is('scope.domain.id', grant.domainId) &&
    is('scope.system', system)
  )
}

async function isWithin({ realm }: Call, power: Power, { tenantId, domainId }: Grant): Promise<boolean> {
  if (readsAll(power)) return true
  if (domainId !== undefined) return governsDomain(power, domainId)
  return tenantId !== undefined && governsDomain(power, domainOfTenant(await tenantById(realm, tenantId)))
}

/** As in Keystone, a flag without a value is true. */
function isOn({ filters }: ListAsk, name: string): boolean {
  const value = filters.get(name)
  return value !== undefined && !['0', 'false', 'f', 'no', 'off', 'n'].includes(value.toLowerCase())
}

async function assignmentJson(call: Call, { user, grant }: Found, hasNames: boolean): Promise<object> {
  const { realm, request } = call
  const path = `${scopePath(grant)}/users/${encodeURIComponent(user.id)}/roles/${encodeURIComponent(grant.roleId)}`
  const links = { assignment: `${request.base}/v3/${path}` }
  const scope = await scopeJson(call, grant, hasNames)
  if (!hasNames) return { role: { id: grant.roleId }, user: { id: user.id }, scope, links }
  const role = await grantedRole(realm, grant.roleId)
  const { domain } = await domainAt(realm, user.domainId)
  return {
    role: { id: role.id, name: role.name },
    user: { id: user.id, name: user.username, domain: { id: domain.id, name: domain.name } },
    scope,
    links,
  }
}

function scopePath({ tenantId, domainId }: Grant): string {
  if (tenantId !== undefined) return `projects/${encodeURIComponent(tenantId)}`
  return domainId === undefined ? 'system' : `domains/${encodeURIComponent(domainId)}`
}

/** A global role of v2.0 appears as a system role that all projects inherit. */
async function scopeJson({ realm }: Call, grant: Grant, hasNames: boolean): Promise<object> {
  const { tenantId, domainId, system } = grant
  if (tenantId !== undefined) {
    if (!hasNames) return { project: { id: tenantId } }
    const project = await tenantById(realm, tenantId)
    const { domain } = await domainAt(realm, domainOfTenant(project))
    return { project: { id: project.id, name: project.name, domain: { id: domain.id, name: domain.name } } }
  }
  if (domainId !== undefined) {
    if (!hasNames) return { domain: { id: domainId } }
    const { domain } = await domainAt(realm, domainId)
    return { domain: { id: domain.id, name: domain.name } }
  }
  return system === true
    ? { system: { all: true } }
    : { system: { all: true }, 'OS-INHERIT:inherited_to': 'projects' }
}
