import type { Realm } from '@rescind/authority'
import { tenantAt } from './tenants.ts'
import { accountOf, type IdentityUser } from './users.ts'

/**
 * A user when a tenant is gone: without roles on it, and without it as its own. The account stays: who governs whom, and
 * whether a second factor is demanded, must not change with it.
 */
export function withoutTenant(user: IdentityUser, tenantId: string): IdentityUser {
  const grants = user.grants.filter((grant) => grant.tenantId !== tenantId)
  if (user.tenantId !== tenantId) return grants.length === user.grants.length ? user : { ...user, grants }
  const { tenantId: _gone, ...rest } = user
  return { ...rest, accountId: accountOf(user) ?? tenantId, grants }
}

/** The user without an own tenant that was deleted: records that are older than this rule may name one. */
export async function settled(realm: Realm, user: IdentityUser): Promise<IdentityUser> {
  const { tenantId } = user
  if (tenantId === undefined) return user
  const { isDeleted } = await tenantAt(realm, tenantId)
  return isDeleted ? withoutTenant(user, tenantId) : user
}
