import { ADMIN_ROLE_IDS, BEYOND_ACCOUNT_ROLE_IDS, ROLE_ID } from './roles.ts'
import type { Grant, IdentityUser } from './users.ts'

export type GrantScope = Omit<Grant, 'roleId'>

/** Grants per user; more is refused. */
export const GRANTS_MAX = 1_000

export function isSameGrant(one: Grant, other: Grant): boolean {
  return one.roleId === other.roleId && isOnScope(one, other)
}

export function isGlobal(grant: Grant): boolean {
  return grant.tenantId === undefined && grant.domainId === undefined && grant.system === undefined
}

function isOnScope(grant: Grant, scope: GrantScope): boolean {
  return (
    grant.tenantId === scope.tenantId && grant.domainId === scope.domainId && grant.system === scope.system
  )
}

export function withGrant(user: IdentityUser, grant: Grant): IdentityUser {
  if (user.grants.some((one) => isSameGrant(one, grant))) return user
  return { ...user, grants: [...user.grants, grant] }
}

export function withoutGrant(user: IdentityUser, grant: Grant): IdentityUser {
  return { ...user, grants: user.grants.filter((one) => !isSameGrant(one, grant)) }
}

/** Role ids granted on exactly this scope. */
export function rolesOn(user: IdentityUser, scope: GrantScope): readonly string[] {
  return user.grants.filter((grant) => isOnScope(grant, scope)).map(({ roleId }) => roleId)
}

/** Role ids of a token scoped to this project: granted on it, or globally. */
export function rolesInTenant(user: IdentityUser, tenantId: string): readonly string[] {
  return [...new Set([...rolesOn(user, {}), ...rolesOn(user, { tenantId })])]
}

/** Whether a user may scope a token to a project: its default one, or one that it has a role on. */
export function isMemberOf(user: IdentityUser, tenantId: string): boolean {
  return user.tenantId === tenantId || user.grants.some((grant) => grant.tenantId === tenantId)
}

/** Ids of the projects that a user may scope a token to, the default one first. */
export function tenantsOf(user: IdentityUser): readonly string[] {
  const granted = user.grants.flatMap(({ tenantId }) => (tenantId === undefined ? [] : [tenantId]))
  return [...new Set(user.tenantId === undefined ? granted : [user.tenantId, ...granted])]
}

/** The ranks of v2.0 authority; `none` for a user without any of their roles. */
export type Rank = 'service-admin' | 'admin' | 'user-admin' | 'user-manage' | 'default' | 'none'

/** Highest rank first. */
const ROLE_RANKS: readonly { readonly rank: Rank; readonly roleId: string }[] = [
  { rank: 'service-admin', roleId: ROLE_ID.serviceAdmin },
  { rank: 'admin', roleId: ROLE_ID.admin },
  { rank: 'user-admin', roleId: ROLE_ID.userAdmin },
  { rank: 'user-manage', roleId: ROLE_ID.userManage },
  { rank: 'default', roleId: ROLE_ID.default },
]

/** The highest rank of a user's global roles. A sub-user with `identity:user-manage` also has `identity:default`. */
export function rankOf(user: Pick<IdentityUser, 'grants'>): Rank {
  const held = ROLE_RANKS.find(({ roleId }) =>
    user.grants.some((grant) => grant.roleId === roleId && isGlobal(grant)),
  )
  return held?.rank ?? 'none'
}

/** Administrators of v3: the operators of v2.0, and users with the role `admin` globally or on the system. */
export function isV3Admin(user: IdentityUser): boolean {
  return user.grants.some(
    (grant) =>
      (isGlobal(grant) && ADMIN_ROLE_IDS.includes(grant.roleId)) ||
      (grant.system === true && grant.roleId === ROLE_ID.keystoneAdmin),
  )
}

/**
 * Whether a user has a role, on any scope, whose power exceeds a v2.0 account: a v3 or operator role. A reader on the
 * system counts, because it reads everything, including tokens.
 */
export function reachesBeyondAccount({ grants }: Pick<IdentityUser, 'grants'>): boolean {
  return grants.some(
    ({ roleId, system }) =>
      BEYOND_ACCOUNT_ROLE_IDS.includes(roleId) || (system === true && roleId === ROLE_ID.reader),
  )
}
