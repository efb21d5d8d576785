import type { Realm } from '@rescind/authority'
import { type TokenRecord } from '@rescind/core'
import { IDENTITY_APP_CREDENTIALS } from '../directory/app-credentials.ts'
import { isGlobal } from '../directory/grants.ts'
import { appCredentialOf } from '../directory/names.ts'
import { builtInRole, grantedRole, type IdentityRole } from '../directory/roles.ts'
import type { Grant, IdentityUser } from '../directory/users.ts'

/**
 * The current roles: a role taken away does not live on in a token (CVE-2012-4413). v2.0 shows global roles and those
 * on tenants, not those on v3 domains or the system.
 */
export function rolesJson(realm: Realm, user: IdentityUser): Promise<readonly object[]> {
  return rolesOf(
    realm,
    user.grants.filter((grant) => isGlobal(grant) || grant.tenantId !== undefined),
  )
}

/** The roles of a token: all of the user's, or those of the application credential that made it. */
export function rolesOfToken(
  realm: Realm,
  record: TokenRecord,
  user: IdentityUser,
): Promise<readonly object[]> {
  const credentialId = appCredentialOf(record.client)
  return credentialId === undefined
    ? rolesJson(realm, user)
    : rolesOfCredential(realm, { credentialId, tenant: record.tenant }, user)
}

type OfCredential = { readonly credentialId: string; readonly tenant: string | undefined }

async function rolesOfCredential(
  realm: Realm,
  { credentialId, tenant }: OfCredential,
  user: IdentityUser,
): Promise<readonly object[]> {
  const entry = await realm.directory.get(IDENTITY_APP_CREDENTIALS, credentialId)
  const held = new Set(user.grants.map(({ roleId }) => roleId))
  const roleIds = (entry?.value.roleIds ?? []).filter((roleId) => held.has(roleId))
  return rolesOf(
    realm,
    roleIds.map((roleId) => (tenant === undefined ? { roleId } : { roleId, tenantId: tenant })),
  )
}

/** These grants as roles, in the same order. */
export async function rolesOf(realm: Realm, grants: readonly Grant[]): Promise<readonly object[]> {
  const items: object[] = []
  for (const { roleId, tenantId } of grants)
    items.push(roleJson(builtInRole(roleId) ?? (await grantedRole(realm, roleId)), tenantId))
  return items
}

export function roleJson(role: IdentityRole, tenantId?: string): object {
  const { id, name, description, serviceId } = role
  return {
    id,
    name,
    description,
    ...(tenantId === undefined ? {} : { tenantId }),
    ...(serviceId === undefined ? {} : { serviceId }),
  }
}
