import { unreachable } from '@rescind/core'
import { type Rank, rankOf, reachesBeyondAccount } from '../directory/grants.ts'
import type { IdentityUser } from '../directory/users.ts'

/** The height of a rank; a rank governs those below it. */
export function heightOf(rank: Rank): number {
  switch (rank) {
    case 'service-admin':
      return 4
    case 'admin':
      return 3
    case 'user-admin':
      return 2
    case 'user-manage':
      return 1
    case 'default':
    case 'none':
      return 0
    default:
      return unreachable(rank)
  }
}

/**
 * Roles with v3 power, on any scope, rank between user-admin and admin: an account's admin must not take over, by a
 * password or a device, a user whose power exceeds the account.
 */
const V3_POWER_HEIGHT = 2.5

/** The height of a user who is acted upon. */
export function heightOfUser(user: IdentityUser): number {
  return Math.max(heightOf(rankOf(user)), reachesBeyondAccount(user) ? V3_POWER_HEIGHT : 0)
}

export function isOperator(user: IdentityUser): boolean {
  return heightOf(rankOf(user)) >= heightOf('admin')
}
