import type { Realm } from '@rescind/authority'
import { type Awaitable, after } from '@rescind/core'
import { type AccountMfaEnforcement, accountAt, demandsMfa } from './domains.ts'
import { isV3Admin, reachesBeyondAccount } from './grants.ts'
import { accountOf, type IdentityUser, mfaOf } from './users.ts'

/** Whether a user has switched MFA on, or is made to use it. */
export function hasToUseMfa(realm: Realm, user: IdentityUser): Awaitable<boolean> {
  return mfaOf(user).isEnabled || isMfaDemanded(realm, user)
}

/** Whether more than one factor is demanded of a user, set up or not: by its own record, or by its account's. */
export function isMfaDemanded(realm: Realm, user: IdentityUser): Awaitable<boolean> {
  const accountId = accountOf(user)
  if (accountId === undefined) return isDemandedAt('OPTIONAL', user)
  return after(accountAt(realm, accountId), ({ account }) => isDemandedAt(account.mfaEnforcement, user))
}

/**
 * The same where the account's word is known. It reaches nobody whose power goes beyond the account, for its admins say
 * it and are below that; what operators alone say, mandating, reaches all but operators.
 */
export function isDemandedAt(level: AccountMfaEnforcement, user: IdentityUser): boolean {
  const isAbove = level === 'RACKSPACE_MANDATED' ? isV3Admin(user) : reachesBeyondAccount(user)
  return demandsMfa(mfaOf(user).enforcement, isAbove ? 'OPTIONAL' : level)
}
