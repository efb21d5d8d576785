import type { Realm } from '@rescind/authority'
import { type Awaitable, after } from '@rescind/core'
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
export function settled(realm: Realm, user: IdentityUser): Awaitable<IdentityUser> {
  const { tenantId } = user
  if (tenantId === undefined) return user
  return after(tenantAt(realm, tenantId), ({ isDeleted }) =>
    isDeleted ? withoutTenant(user, tenantId) : user,
  )
}
