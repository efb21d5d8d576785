import type { Realm } from '@rescind/authority'
import { tenantAt } from './tenants.ts'
import { accountOf, type IdentityUser } from './users.ts'

/**
 * A user after a tenant was deleted: without roles on it, and without it as its own tenant. The account stays, because
 * it decides who governs the user and whether a second factor is required.
 */
export function withoutTenant(user: IdentityUser, tenantId: string): IdentityUser {
  const grants = user.grants.filter((grant) => grant.tenantId !== tenantId)
  if (user.tenantId !== tenantId) return grants.length === user.grants.length ? user : { ...user, grants }
  const { tenantId: _gone, ...rest } = user
  return { ...rest, accountId: accountOf(user) ?? tenantId, grants }
}

/** Removes a deleted own tenant, which records older than this rule may still name. */
export async function settled(realm: Realm, user: IdentityUser): Promise<IdentityUser> {
  const { tenantId } = user
  if (tenantId === undefined) return user
  const { isDeleted } = await tenantAt(realm, tenantId)
  return isDeleted ? withoutTenant(user, tenantId) : user
}
