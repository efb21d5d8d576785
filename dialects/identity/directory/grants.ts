import type { Grant, IdentityUser } from './users.ts'

export type GrantScope = Omit<Grant, 'roleId'>

/** Grants of one user; more is refused. */
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

/** Role ids that a token of this project carries: those granted on it, and those granted everywhere. */
export function rolesInTenant(user: IdentityUser, tenantId: string): readonly string[] {
  return [...new Set([...rolesOn(user, {}), ...rolesOn(user, { tenantId })])]
}

/** Whether a token of this user may be scoped to a project: its default one, or one that it has a role on. */
export function isMemberOf(user: IdentityUser, tenantId: string): boolean {
  return user.tenantId === tenantId || user.grants.some((grant) => grant.tenantId === tenantId)
}

/** Ids of the projects that a user may scope a token to, its default one first. */
export function tenantsOf(user: IdentityUser): readonly string[] {
  const granted = user.grants.flatMap(({ tenantId }) => (tenantId === undefined ? [] : [tenantId]))
  return [...new Set(user.tenantId === undefined ? granted : [user.tenantId, ...granted])]
}

/** Places on the ladder of v2.0 authority, the highest first. `none` is a user without any of its roles. */
const LADDER = [
  { rank: 'service-admin', roleId: '4' },
  { rank: 'admin', roleId: '1' },
  { rank: 'user-admin', roleId: '3' },
  { rank: 'user-manage', roleId: '7' },
  { rank: 'default', roleId: '2' },
] as const

export type Rank = (typeof LADDER)[number]['rank'] | 'none'

/**
 * The highest place that a user's global roles give: a sub-user with `identity:user-manage` holds `identity:default`
 * too.
 */
export function rankOf(user: Pick<IdentityUser, 'grants'>): Rank {
  const held = LADDER.find(({ roleId }) =>
    user.grants.some((grant) => grant.roleId === roleId && isGlobal(grant)),
  )
  return held?.rank ?? 'none'
}

/** v3's administrators: the operators of v2.0, and whoever has the role `admin` everywhere or on the system. */
export function isV3Admin(user: IdentityUser): boolean {
  return user.grants.some(
    (grant) =>
      (isGlobal(grant) && ['1', '4', 'admin'].includes(grant.roleId)) ||
      (grant.system === true && grant.roleId === 'admin'),
  )
}

const V3_POWER_ROLE_IDS: readonly string[] = ['1', '4', 'admin', 'service']

/**
 * Whether a user has a role whose power, on whatever scope, goes beyond a v2.0 account: in v3, or as an operator. Who
 * reads on the system reads everything, tokens too.
 */
export function reachesBeyondAccount({ grants }: Pick<IdentityUser, 'grants'>): boolean {
  return grants.some(
    ({ roleId, system }) => V3_POWER_ROLE_IDS.includes(roleId) || (system === true && roleId === 'reader'),
  )
}
