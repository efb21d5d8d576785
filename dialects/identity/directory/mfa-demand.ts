import type { Realm } from '@rescind/authority'
import { type AccountMfaEnforcement, accountAt, demandsMfa } from './domains.ts'
import { isV3Admin, reachesBeyondAccount } from './grants.ts'
import { accountOf, type IdentityUser, mfaOf } from './users.ts'

/** Whether a user has switched MFA on, or must use it. */
export async function hasToUseMfa(realm: Realm, user: IdentityUser): Promise<boolean> {
  return mfaOf(user).isEnabled || isMfaDemanded(realm, user)
}

/** Whether MFA is required of a user, set up or not, by its own record or its account's. */
export async function isMfaDemanded(realm: Realm, user: IdentityUser): Promise<boolean> {
  const accountId = accountOf(user)
  if (accountId === undefined) return isDemandedAt('OPTIONAL', user)
  const { account } = await accountAt(realm, accountId)
  return isDemandedAt(account.mfaEnforcement, user)
}

/**
 * The same for a known account level. A level that the account's admins set does not reach users with more power than
 * they have. A level that operators mandate reaches everybody but operators.
 */
export function isDemandedAt(level: AccountMfaEnforcement, user: IdentityUser): boolean {
  const isAbove = level === 'RACKSPACE_MANDATED' ? isV3Admin(user) : reachesBeyondAccount(user)
  return demandsMfa(mfaOf(user).enforcement, isAbove ? 'OPTIONAL' : level)
}
