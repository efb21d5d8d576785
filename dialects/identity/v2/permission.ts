import type { Entry } from '@rescind/authority'
import { type GuardedAct, unreachable } from '@rescind/core'
import type { Answer, Stale } from '../../wire/answer.ts'
import type { Call, Reply } from '../call.ts'
import { rankOf } from '../directory/grants.ts'
import { accountOf, type IdentityUser, userEntry } from '../directory/users.ts'
import { mayAct } from '../session/guarded.ts'
import { judgeTokenContext, type LiveTokenContext } from '../session/token-context.ts'
import { asWholeCaller } from './caller.ts'
import { fault, NO_VALID_TOKEN, notAuthorized, unauthorized } from './faults.ts'
import { heightOf, heightOfUser, isOperator } from './role-ranks.ts'

/**
 * The rule of the vendor's permission notes: service-admin governs everybody below it, admin governs user-admins and
 * sub-users, user-admin and user-manage govern the sub-users of their account. Acting on oneself is decided elsewhere.
 */
export function governs(caller: IdentityUser, target: IdentityUser): boolean {
  const rank = rankOf(caller)
  const isAbove = heightOf(rank) > heightOfUser(target)
  switch (rank) {
    case 'service-admin':
    case 'admin':
      return isAbove
    case 'user-admin':
    case 'user-manage':
      return isAbove && accountOf(caller) !== undefined && accountOf(caller) === accountOf(target)
    case 'default':
    case 'none':
      return false
    default:
      return unreachable(rank)
  }
}

/** Whether callers may also act on themselves. */
export type Reach = 'self-or-governed' | 'governed'

export type Governing = {
  readonly userId: string
  readonly reach: Reach
  /** The kind of act, if it creates or shows a right. */
  readonly act?: GuardedAct
}

export type OnUser = { readonly caller: LiveTokenContext; readonly entry: Entry<IdentityUser> }

/**
 * Goes on with a user that the caller may act on. A caller who governs nobody gets 403 for every other id before any
 * look-up. user-admin and user-manage get the same 403 for unknown and foreign ids. Operators get 404 for unknown ids.
 */
export function asGovernorOf(
  call: Call,
  { userId, reach, act }: Governing,
  next: (on: OnUser) => Reply,
): Promise<Answer | Stale> {
  const { realm, request } = call
  return asWholeCaller(call, async (first, facts) => {
    const isSelf = first.user.id === userId
    if (isSelf ? reach === 'governed' : heightOf(rankOf(first.user)) === 0) return notAuthorized()
    const entry = await userEntry(realm, userId)
    const allowed =
      act === undefined || entry === undefined || (await mayAct(realm, first, { act, of: entry.value }))
    // Judge again: the caller may have been revoked during the read.
    const caller = judgeTokenContext(realm, facts)
    if (caller.kind !== 'live') return unauthorized(request, NO_VALID_TOKEN)
    if (entry === undefined)
      return isOperator(caller.user) ? fault('itemNotFound', `User ${userId} not found`) : notAuthorized()
    return allowed && (isSelf || governs(caller.user, entry.value))
      ? next({ caller, entry })
      : notAuthorized()
  })
}

/** Goes on for `identity:admin` and `identity:service-admin`. Others get 403 before any look-up. */
export function asOperator(call: Call, next: (caller: LiveTokenContext) => Reply): Promise<Answer | Stale> {
  return asWholeCaller(call, (caller) => (isOperator(caller.user) ? next(caller) : notAuthorized()))
}
