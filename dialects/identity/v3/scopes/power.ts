import { unreachable } from '@rescind/core'
import { isGlobal, rankOf } from '../../directory/grants.ts'
import { ADMIN_ROLE_IDS, BEYOND_ACCOUNT_ROLE_IDS, POWERFUL_ROLE_IDS, ROLE_ID } from '../../directory/roles.ts'
import type { IdentityUser } from '../../directory/users.ts'
import type { ScopeGrant } from './scope-grant.ts'

/**
 * The power of a token beyond its own user. `system`: everything (`isHighest` for service-admins). `domain`: one
 * domain. `service`: validating everybody's tokens. `reader`: reading everything.
 */
export type Power =
  | { readonly kind: 'system'; readonly isHighest: boolean }
  | { readonly kind: 'domain'; readonly domainId: string }
  | { readonly kind: 'service' }
  | { readonly kind: 'reader' }
  | { readonly kind: 'none' }

const NONE: Power = { kind: 'none' }

/**
 * An admin role governs where it was granted: everywhere if it is global (v2.0), the system in a system-scoped token, a
 * domain in a token of that domain. On a project it only lets services validate tokens, so that `admin` of one project
 * is not admin of all (Keystone's bug 968696).
 */
export function powerOf(user: IdentityUser, { scope, roles, credential }: ScopeGrant): Power {
  const has = (ids: readonly string[]): boolean => roles.some(({ id }) => ids.includes(id))
  const isEverywhere = (ids: readonly string[]): boolean =>
    user.grants.some(
      (grant) =>
        isGlobal(grant) &&
        ids.includes(grant.roleId) &&
        (credential === undefined || credential.roleIds.includes(grant.roleId)),
    )
  if (isEverywhere(ADMIN_ROLE_IDS)) return { kind: 'system', isHighest: isEverywhere([ROLE_ID.serviceAdmin]) }
  switch (scope.kind) {
    case 'system':
      if (has(ADMIN_ROLE_IDS)) return { kind: 'system', isHighest: false }
      if (has([ROLE_ID.service])) return { kind: 'service' }
      return has([ROLE_ID.reader]) ? { kind: 'reader' } : NONE
    case 'domain':
      return has(ADMIN_ROLE_IDS) ? { kind: 'domain', domainId: scope.id } : NONE
    case 'project':
      return has(BEYOND_ACCOUNT_ROLE_IDS) ? { kind: 'service' } : NONE
    case 'unscoped':
      return isEverywhere([ROLE_ID.service]) ? { kind: 'service' } : NONE
    default:
      return unreachable(scope)
  }
}

/**
 * Whether a power governs this user. Domain power does not cover users with power beyond the domain. Only a
 * service-admin governs service-admins, as in v2.0, because otherwise one version would bypass the other.
 */
export function governs(power: Power, user: IdentityUser): boolean {
  if (power.kind === 'system') return power.isHighest || rankOf(user) !== 'service-admin'
  return power.kind === 'domain' && user.domainId === power.domainId && !reachesBeyond(user, power.domainId)
}

/** Roles on projects do not count: they validate tokens but govern nobody. */
function reachesBeyond({ grants }: IdentityUser, domainId: string): boolean {
  return grants.some((grant) => {
    if (grant.tenantId !== undefined || grant.domainId === domainId) return false
    return (
      POWERFUL_ROLE_IDS.includes(grant.roleId) || (grant.system === true && grant.roleId === ROLE_ID.reader)
    )
  })
}

/** Whether a power covers this domain. */
export function governsDomain(power: Power, domainId: string): boolean {
  return power.kind === 'system' || (power.kind === 'domain' && power.domainId === domainId)
}

export function mayGrant(power: Power, roleId: string): boolean {
  if (power.kind === 'system') return power.isHighest || roleId !== ROLE_ID.serviceAdmin
  return power.kind === 'domain' && !POWERFUL_ROLE_IDS.includes(roleId)
}

/** Whether a power may read everything except tokens. */
export function readsAll(power: Power): boolean {
  return power.kind === 'system' || power.kind === 'reader'
}
