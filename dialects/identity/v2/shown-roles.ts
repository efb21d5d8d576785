import type { Realm } from '@rescind/authority'
import { type Awaitable, after, type TokenRecord } from '@rescind/core'
import { IDENTITY_APP_CREDENTIALS } from '../directory/app-credentials.ts'
import { isGlobal } from '../directory/grants.ts'
import { appCredentialOf } from '../directory/names.ts'
import { grantedRole, type IdentityRole } from '../directory/roles.ts'
import type { Grant, IdentityUser } from '../directory/users.ts'

/**
 * Roles as they are now: one that was taken away does not live on in a token (CVE-2012-4413). v2.0 knows roles
 * everywhere and on tenants; those on v3's domains and on the system are not its affair.
 */
export function shownRoles(realm: Realm, user: IdentityUser): Awaitable<readonly object[]> {
  return rolesOf(
    realm,
    user.grants.filter((grant) => isGlobal(grant) || grant.tenantId !== undefined),
  )
}

/** What a token carries: all of it, but for one that an application credential made: only what that was given. */
export function rolesOfToken(
  realm: Realm,
  { client, tenant }: TokenRecord,
  user: IdentityUser,
): Awaitable<readonly object[]> {
  const credentialId = appCredentialOf(client)
  if (credentialId === undefined) return shownRoles(realm, user)
  return after(realm.directory.get(IDENTITY_APP_CREDENTIALS, credentialId), (entry) => {
    const held = new Set(user.grants.map(({ roleId }) => roleId))
    const roleIds = (entry?.value.roleIds ?? []).filter((roleId) => held.has(roleId))
    return rolesOf(
      realm,
      roleIds.map((roleId) => (tenant === undefined ? { roleId } : { roleId, tenantId: tenant })),
    )
  })
}

/** These grants as roles, in their order; without a promise when all of it is here already. */
export function rolesOf(realm: Realm, grants: readonly Grant[]): Awaitable<readonly object[]> {
  const shown: object[] = []
  const from = (start: number): Awaitable<readonly object[]> => {
    for (let at = start; at < grants.length; at += 1) {
      const grant = grants[at] as Grant
      const role = grantedRole(realm, grant.roleId)
      if (role instanceof Promise)
        return role.then((found) => {
          shown.push(shownRole(found, grant.tenantId))
          return from(at + 1)
        })
      shown.push(shownRole(role, grant.tenantId))
    }
    return shown
  }
  return from(0)
}

export function shownRole(role: IdentityRole, tenantId?: string): object {
  const { id, name, description, serviceId } = role
  return {
    id,
    name,
    description,
    ...(tenantId === undefined ? {} : { tenantId }),
    ...(serviceId === undefined ? {} : { serviceId }),
  }
}
