import { unreachable } from '@rescind/core'
import { accountOf, rankOf } from '../directory/directory.ts'
import { isOfAppCredential } from '../session/limited.ts'
import { accountOfToken, type LiveTokenContext, type TokenContext } from '../session/token-context.ts'
import { heightOf, heightOfUser } from './role-ranks.ts'

/**
 * What a caller may learn of, and do to, a token that it names. `forbidden` comes before any difference
 * between unknown, foreign, dead and live can show; `missing` is for who may know that there is nothing (any
 * more).
 */
export type Authority<T> =
  | { readonly kind: 'granted'; readonly target: T }
  | { readonly kind: 'forbidden' }
  | { readonly kind: 'missing' }

type Present = Exclude<TokenContext, { kind: 'unknown' } | { kind: 'dead' }>

const FORBIDDEN = { kind: 'forbidden' } as const
const MISSING = { kind: 'missing' } as const

/**
 * The role ranks of v2.0. A user's own tokens are its own whatever its roles. Operators (admin, service-admin)
 * reach every token; user-admin and user-manage reach into their account, and there to nobody above a user-admin,
 * the latter only to users who are no more than `identity:default`; everybody else reaches nothing.
 */
export function authorityOver(caller: LiveTokenContext, target: TokenContext): Authority<Present> {
  if (target.kind !== 'unknown' && target.record.subject === caller.user.id) return reached(target)
  const rank = isOfAppCredential(caller.record) ? 'none' : rankOf(caller.user)
  switch (rank) {
    case 'service-admin':
    case 'admin':
      return reached(target)
    case 'user-admin':
      return isOfAccount(caller, target) ? reached(target) : FORBIDDEN
    case 'user-manage':
      return isOfAccount(caller, target) && !isAboveDefault(target) ? reached(target) : FORBIDDEN
    case 'default':
    case 'none':
      return FORBIDDEN
    default:
      return unreachable(rank)
  }
}

function reached(target: TokenContext): Authority<Present> {
  switch (target.kind) {
    case 'unknown':
    case 'dead':
      return MISSING
    case 'held':
    case 'live':
      return { kind: 'granted', target }
    default:
      return unreachable(target)
  }
}

/** A user without an account shares it with nobody; whose power reaches beyond an account is none of its admins' affair. */
function isOfAccount(caller: LiveTokenContext, target: TokenContext): boolean {
  const account = accountOf(caller.user)
  if (account === undefined || target.kind === 'unknown') return false
  const { record, user } = target
  if (user !== undefined && heightOfUser(user) > heightOf('user-admin')) return false
  return accountOfToken(record, user) === account
}

/** Of the dead it does not matter: in its account a caller is told that a token is over, whoever had it. */
function isAboveDefault(target: TokenContext): boolean {
  if (target.kind === 'unknown' || target.kind === 'dead') return false
  return heightOfUser(target.user) > heightOf('default')
}
