import { unreachable } from '@rescind/core'
import { accountOf, rankOf } from '../directory/directory.ts'
import { isOfAppCredential } from '../session/limited.ts'
import { accountOfToken, type LiveTokenContext, type TokenContext } from '../session/token-context.ts'
import { heightOf, heightOfUser } from './role-ranks.ts'

/**
 * What a caller may learn about, and do to, a token. `forbidden` is decided before the answer can depend on whether the
 * token is unknown, foreign, dead or live. `missing` is for callers who may know that there is no such live token.
 */
export type Authority<T> =
  | { readonly kind: 'granted'; readonly target: T }
  | { readonly kind: 'forbidden' }
  | { readonly kind: 'missing' }

type Present = Exclude<TokenContext, { kind: 'unknown' } | { kind: 'dead' }>

const FORBIDDEN = { kind: 'forbidden' } as const
const MISSING = { kind: 'missing' } as const

/**
 * Authority by v2.0 role ranks. Users may act on their own tokens. Operators (admin, service-admin) may act on every
 * token. user-admin and user-manage may act within their account: the former on nobody above a user-admin, the latter
 * only on users up to `identity:default`. Others may act on nothing.
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

/**
 * A user without an account shares it with nobody. Account admins have no authority over users whose power exceeds the
 * account.
 */
function isOfAccount(caller: LiveTokenContext, target: TokenContext): boolean {
  const account = accountOf(caller.user)
  if (account === undefined || target.kind === 'unknown') return false
  const { record, user } = target
  if (user !== undefined && heightOfUser(user) > heightOf('user-admin')) return false
  return accountOfToken(record, user) === account
}

/** A caller may know of every dead token in its account. */
function isAboveDefault(target: TokenContext): boolean {
  if (target.kind === 'unknown' || target.kind === 'dead') return false
  return heightOfUser(target.user) > heightOf('default')
}
