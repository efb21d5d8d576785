import { unreachable } from '@rescind/core'
import { type Rank, rankOf } from './directory/grants.ts'
import type { IdentityUser } from './directory/users.ts'

/** How far up the ladder a rank stands; who governs another stands above it. */
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
 * Roles with power in v3, wherever they were granted, stand between user-admin and admin: who governs one account must
 * not take over, by a password or a device, somebody whose power reaches further.
 */
const V3_POWER_HEIGHT = 2.5
const V3_POWER_ROLE_IDS: readonly string[] = ['1', '4', 'admin', 'service']

/** Of whoever is acted upon. */
export function heightOfUser(user: IdentityUser): number {
  const inV3 = user.grants.some(({ roleId }) => V3_POWER_ROLE_IDS.includes(roleId)) ? V3_POWER_HEIGHT : 0
  return Math.max(heightOf(rankOf(user)), inV3)
}

export function isOperator(user: IdentityUser): boolean {
  return heightOf(rankOf(user)) >= heightOf('admin')
}
