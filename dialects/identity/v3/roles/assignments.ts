import type { Entry, Expectation } from '@rescind/authority'
import { mayDelegated, unreachable } from '@rescind/core'
import type { Answer, Stale } from '../../../wire/answer.ts'
import { untilFresh } from '../../../wire/dialect.ts'
import type { Call, Handler, Reply } from '../../call.ts'
import { updated } from '../../directory/changes.ts'
import {
  GRANTS_MAX,
  type GrantScope,
  isSameGrant,
  rolesOn,
  withGrant,
  withoutGrant,
} from '../../directory/grants.ts'
import {
  grantedRoles,
  IDENTITY_ROLES,
  type IdentityRole,
  isBuiltInRole,
  roleById,
} from '../../directory/roles.ts'
import { domainOfTenant, IDENTITY_TENANTS, tenantEntry } from '../../directory/tenants.ts'
import { type Grant, type IdentityUser, userEntry } from '../../directory/users.ts'
import { type Acting, asActing } from '../acting.ts'
import { forbidden, missing, NO_CONTENT, success } from '../answers.ts'
import { listBody } from '../paging.ts'
import { domainEntry, unchanged } from '../projects/domain-lookup.ts'
import { roleJson } from '../record-json.ts'
import { governs, governsDomain, mayGrant, readsAll } from '../scopes/power.ts'
import { sees } from '../users/users.ts'
import { written } from '../writing.ts'

/** Where roles are assigned: `/v3/projects/{project}/users/…`, `/v3/domains/{domain}/users/…`, `/v3/system/users/…`. */
export type Place = 'project' | 'domain' | 'system'

export type PlaceHandlers = {
  readonly list: Handler
  readonly check: Handler
  readonly grant: Handler
  readonly remove: Handler
}

export function assignmentsOn(place: Place): PlaceHandlers {
  return {
    list: (call, ids) =>
      untilFresh(() => asAssigning(call, named(place, ids), (one) => listRoles(call, one))),
    check: (call, ids) =>
      untilFresh(() =>
        asAssigning(call, named(place, ids), ({ entry, scope, role }) => {
          if (role === undefined || !hasGrant(entry.value, { roleId: role.id, ...scope }))
            return missing('role')
          return NO_CONTENT
        }),
      ),
    grant: (call, ids) =>
      untilFresh(() =>
        asChanging(call, named(place, ids), (one) =>
          mayDelegated(one.acting.context.record, 'outlive') ? grant(call, one) : forbidden(),
        ),
      ),
    remove: (call, ids) => untilFresh(() => asChanging(call, named(place, ids), (one) => remove(call, one))),
  }
}

type Named = {
  readonly place: Place
  readonly placeId: string
  readonly userId: string
  readonly roleId: string | undefined
}

function named(place: Place, ids: readonly string[]): Named {
  const [placeId = '', userId = '', roleId] = place === 'system' ? ['all', ...ids] : ids
  return { place, placeId, userId, roleId }
}

type Assigning = {
  readonly acting: Acting
  readonly entry: Entry<IdentityUser>
  readonly scope: GrantScope
  /** The domain that the place lies in; undefined for the system. */
  readonly domainId: string | undefined
  readonly role: IdentityRole | undefined
  /** What has to be there still when an assignment is written. */
  readonly expects: readonly Expectation[]
}

/**
 * Goes on with a user, a place and a role that are there and that the caller may see. What one may not see reads like
 * what is not there.
 */
function asAssigning(call: Call, given: Named, next: (one: Assigning) => Reply): Reply {
  const { realm } = call
  return asActing(call, async (acting): Promise<Answer | Stale> => {
    const found = await placeOf(call, given)
    if (found === undefined || !seesPlace(acting, found.domainId)) return missing(given.place)
    const entry = await userEntry(realm, given.userId)
    if (entry === undefined || !sees(acting, entry.value)) return missing('user')
    const role = given.roleId === undefined ? undefined : await roleById(realm, given.roleId)
    if (given.roleId !== undefined && role === undefined) return missing('role')
    const expects = [...found.expects, ...(await roleExpectation(call, role))]
    return next({ acting, entry, scope: found.scope, domainId: found.domainId, role, expects })
  })
}

function seesPlace({ power }: Acting, domainId: string | undefined): boolean {
  return readsAll(power) || (domainId !== undefined && governsDomain(power, domainId))
}

type Found = Pick<Assigning, 'scope' | 'domainId' | 'expects'>

async function placeOf({ realm }: Call, { place, placeId }: Named): Promise<Found | undefined> {
  switch (place) {
    case 'project': {
      const entry = await tenantEntry(realm, placeId)
      if (entry === undefined) return undefined
      const expects = [{ collection: IDENTITY_TENANTS.name, id: placeId, version: entry.version }]
      return { scope: { tenantId: placeId }, domainId: domainOfTenant(entry.value), expects }
    }
    case 'domain': {
      const entry = await domainEntry(realm, placeId)
      if (entry === undefined) return undefined
      return { scope: { domainId: placeId }, domainId: placeId, expects: [unchanged(entry)] }
    }
    case 'system':
      return { scope: { system: true }, domainId: undefined, expects: [] }
    default:
      return unreachable(place)
  }
}

async function roleExpectation(
  { realm }: Call,
  role: IdentityRole | undefined,
): Promise<readonly Expectation[]> {
  if (role === undefined || isBuiltInRole(role.id)) return []
  const { version } = await realm.directory.state(IDENTITY_ROLES, role.id)
  return [{ collection: IDENTITY_ROLES.name, id: role.id, version }]
}

type Changing = Assigning & { readonly role: IdentityRole }

/** As `asAssigning`, for who may give this role to this user here, and take it away. */
function asChanging(call: Call, given: Named, next: (one: Changing) => Reply): Reply {
  return asAssigning(call, given, (one) => {
    const { acting, entry, domainId, role } = one
    const { power } = acting
    if (role === undefined) return missing('role')
    const isOfPlace = domainId === undefined ? power.kind === 'system' : governsDomain(power, domainId)
    if (!isOfPlace || !governs(power, entry.value) || !mayGrant(power, role.id)) return forbidden()
    return next({ ...one, role })
  })
}

async function listRoles(call: Call, { entry, scope }: Assigning): Promise<Answer> {
  const roles = await grantedRoles(call.realm, rolesOn(entry.value, scope))
  return success(200, listBody(call.request, 'roles', { items: roles.map(roleJson(call)), next: undefined }))
}

function grant(call: Call, { acting, entry, scope, role, expects }: Changing): Reply {
  const given: Grant = { roleId: role.id, ...scope }
  if (hasGrant(entry.value, given)) return NO_CONTENT
  if (entry.value.grants.length >= GRANTS_MAX)
    return forbidden(`A user may have at most ${GRANTS_MAX} role assignments.`)
  return written(call, {
    acting,
    how: 'identity.v3.role.grant',
    changes: [updated('user', entry, withGrant(entry.value, given))],
    expects,
    done: () => NO_CONTENT,
  })
}

/** Ends what the user has that is scoped to this place. */
function remove(call: Call, { acting, entry, scope, role }: Changing): Reply {
  const taken: Grant = { roleId: role.id, ...scope }
  if (!hasGrant(entry.value, taken)) return missing('role')
  return written(call, {
    acting,
    how: 'identity.v3.role.remove',
    changes: [updated('user', entry, withoutGrant(entry.value, taken))],
    done: () => NO_CONTENT,
  })
}

function hasGrant(user: IdentityUser, one: Grant): boolean {
  return user.grants.some((grant) => isSameGrant(grant, one))
}
