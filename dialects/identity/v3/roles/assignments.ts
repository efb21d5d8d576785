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
export type AssignmentScope = 'project' | 'domain' | 'system'

export type ScopeHandlers = {
  readonly list: Handler
  readonly check: Handler
  readonly grant: Handler
  readonly remove: Handler
}

export function assignmentsOn(scope: AssignmentScope): ScopeHandlers {
  return {
    list: (call, ids) =>
      untilFresh(() => asAssigning(call, named(scope, ids), (one) => listRoles(call, one))),
    check: (call, ids) =>
      untilFresh(() =>
        asAssigning(call, named(scope, ids), ({ entry, scope, role }) => {
          if (role === undefined || !hasGrant(entry.value, { roleId: role.id, ...scope }))
            return missing('role')
          return NO_CONTENT
        }),
      ),
    grant: (call, ids) =>
      untilFresh(() =>
        asChanging(call, named(scope, ids), (one) =>
          mayDelegated(one.acting.context.record, 'outlive') ? grant(call, one) : forbidden(),
        ),
      ),
    remove: (call, ids) => untilFresh(() => asChanging(call, named(scope, ids), (one) => remove(call, one))),
  }
}

type Named = {
  readonly scope: AssignmentScope
  readonly scopeId: string
  readonly userId: string
  readonly roleId: string | undefined
}

function named(scope: AssignmentScope, ids: readonly string[]): Named {
  const [scopeId = '', userId = '', roleId] = scope === 'system' ? ['all', ...ids] : ids
  return { scope, scopeId, userId, roleId }
}

type Assigning = {
  readonly acting: Acting
  readonly entry: Entry<IdentityUser>
  readonly scope: GrantScope
  /** The domain of the scope; undefined for the system. */
  readonly domainId: string | undefined
  readonly role: IdentityRole | undefined
  /** Records that must still exist when the assignment is written. */
  readonly expects: readonly Expectation[]
}

/**
 * Goes on with a user, a scope and a role that exist and that the caller may see. Invisible ones are answered like
 * missing ones.
 */
function asAssigning(call: Call, given: Named, next: (one: Assigning) => Reply): Reply {
  const { realm } = call
  return asActing(call, async (acting): Promise<Answer | Stale> => {
    const found = await scopeOf(call, given)
    if (found === undefined || !seesScope(acting, found.domainId)) return missing(given.scope)
    const entry = await userEntry(realm, given.userId)
    if (entry === undefined || !sees(acting, entry.value)) return missing('user')
    const role = given.roleId === undefined ? undefined : await roleById(realm, given.roleId)
    if (given.roleId !== undefined && role === undefined) return missing('role')
    const expects = [...found.expects, ...(await roleExpectation(call, role))]
    return next({ acting, entry, scope: found.scope, domainId: found.domainId, role, expects })
  })
}

function seesScope({ power }: Acting, domainId: string | undefined): boolean {
  return readsAll(power) || (domainId !== undefined && governsDomain(power, domainId))
}

type Found = Pick<Assigning, 'scope' | 'domainId' | 'expects'>

async function scopeOf({ realm }: Call, { scope, scopeId }: Named): Promise<Found | undefined> {
  switch (scope) {
    case 'project': {
      const entry = await tenantEntry(realm, scopeId)
      if (entry === undefined) return undefined
      const expects = [{ collection: IDENTITY_TENANTS.name, id: scopeId, version: entry.version }]
      return { scope: { tenantId: scopeId }, domainId: domainOfTenant(entry.value), expects }
    }
    case 'domain': {
      const entry = await domainEntry(realm, scopeId)
      if (entry === undefined) return undefined
      return { scope: { domainId: scopeId }, domainId: scopeId, expects: [unchanged(entry)] }
    }
    case 'system':
      return { scope: { system: true }, domainId: undefined, expects: [] }
    default:
      return unreachable(scope)
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

/** As `asAssigning`, for callers who may grant this role to this user here, and remove it. */
function asChanging(call: Call, given: Named, next: (one: Changing) => Reply): Reply {
  return asAssigning(call, given, (one) => {
    const { acting, entry, domainId, role } = one
    const { power } = acting
    if (role === undefined) return missing('role')
    const isOfScope = domainId === undefined ? power.kind === 'system' : governsDomain(power, domainId)
    if (!isOfScope || !governs(power, entry.value) || !mayGrant(power, role.id)) return forbidden()
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

/** Removes the role, which ends the user's tokens of this scope. */
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
