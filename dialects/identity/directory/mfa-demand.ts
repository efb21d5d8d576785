import type { Realm } from '@rescind/authority'
import { type AccountMfaEnforcement, accountAt, demandsMfa } from './domains.ts'
import { isV3Admin, reachesBeyondAccount } from './grants.ts'
import { accountOf, type IdentityUser, mfaOf } from './users.ts'

/** Whether a user has switched MFA on, or is made to use it. */
export async function hasToUseMfa(realm: Realm, user: IdentityUser): Promise<boolean> {
  return mfaOf(user).isEnabled || isMfaDemanded(realm, user)
}

/** Whether more than one factor is demanded of a user, set up or not: by its own record, or by its account's. */
export async function isMfaDemanded(realm: Realm, user: IdentityUser): Promise<boolean> {
  const accountId = accountOf(user)
  if (accountId === undefined) return isDemandedAt('OPTIONAL', user)
  const { account } = await accountAt(realm, accountId)
  return isDemandedAt(account.mfaEnforcement, user)
}

/**
 * The same where the account's word is known. It reaches nobody whose power goes beyond the account, for its admins say
 * it and are below that; what operators alone say, mandating, reaches all but operators.
 */
export function isDemandedAt(level: AccountMfaEnforcement, user: IdentityUser): boolean {
  const isAbove = level === 'RACKSPACE_MANDATED' ? isV3Admin(user) : reachesBeyondAccount(user)
  return demandsMfa(mfaOf(user).enforcement, isAbove ? 'OPTIONAL' : level)
}
