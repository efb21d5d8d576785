import type { Realm } from '@rescind/authority'
import { KEEP_MARGIN_MS, type TokenRecord, unreachable } from '@rescind/core'
import type { Answer, Stale } from '../../../wire/answer.ts'
import type { Call, Reply } from '../../call.ts'
import type { IdentityUser } from '../../directory/users.ts'
import { isLimited } from '../../session/limited.ts'
import { isTokenText } from '../../session/naming.ts'
import {
  judgeTokenContext,
  parseOwn,
  readTokenContext,
  type TokenContextFacts,
} from '../../session/token-context.ts'
import { type Acting, asActing, stillActs } from '../acting.ts'
import { forbidden, tokenNotFound, unauthorized } from '../answers.ts'
import { governs } from '../scopes/power.ts'

export type SubjectAct = 'validate' | 'validate-expired' | 'revoke'

/** A token that the caller may do something to; `isStillGood` judges it again after more was read. */
export type Target = {
  readonly kind: 'live' | 'held' | 'expired'
  readonly record: TokenRecord
  readonly user: IdentityUser
  readonly isStillGood: () => boolean
}

export type About = { readonly acting: Acting; readonly target: Target; readonly text: string }

/**
 * How long after its end a token is shown to who asks for expired ones: as long as rules on it are kept for sure.
 * Longer, and a token that was revoked before it expired could look as if it had expired only.
 */
const EXPIRED_WINDOW_MS: number = KEEP_MARGIN_MS

/**
 * Goes on with the token of X-Subject-Token if the caller may do this to it. Else unknown, dead, foreign and not named
 * at all are one and the same answer: 404 to who has power over tokens, whatever its reach, and 403 to who has none, as
 * in Keystone, whatever is there. A service that lacks its role then says so (503), instead of logging everybody out.
 */
export function asActingAbout(
  call: Call,
  act: SubjectAct,
  next: (about: About) => Reply,
): Promise<Answer | Stale> {
  const { realm, request } = call
  return asActing(call, async (acting) => {
    const text = request.header('x-subject-token') ?? ''
    const refused = acting.power.kind === 'none' ? forbidden() : tokenNotFound()
    if (!isTokenText(text)) return refused
    const facts = await readTokenContext(realm, parseOwn(realm, text))
    // Both are judged after the last await, the caller once more: it may have been revoked during the read.
    if (!stillActs(realm, acting)) return unauthorized(request)
    const target = targetOf(realm, facts, act)
    if (target === undefined || !mayAct(acting, act, target)) return refused
    return next({ acting, target, text })
  })
}

function targetOf(realm: Realm, facts: TokenContextFacts | undefined, act: SubjectAct): Target | undefined {
  const kind = kindOf(realm, facts, act)
  if (kind === undefined || facts?.user === undefined) return undefined
  const { record, user } = facts
  // What is good for one purpose only lets nobody in.
  if (act !== 'revoke' && isLimited(record)) return undefined
  return { kind, record, user, isStillGood: () => kindOf(realm, facts, act) === kind }
}

/** @returns undefined for what is over as far as this act goes. */
function kindOf(
  realm: Realm,
  facts: TokenContextFacts | undefined,
  act: SubjectAct,
): Target['kind'] | undefined {
  const context = judgeTokenContext(realm, facts)
  switch (context.kind) {
    case 'live':
      return 'live'
    case 'held':
      return act === 'revoke' ? 'held' : undefined
    case 'dead':
      return act === 'validate-expired' && facts !== undefined && isOnlyExpired(realm, facts)
        ? 'expired'
        : undefined
    case 'unknown':
      return undefined
    default:
      return unreachable(context)
  }
}

/** Revoked and held come before expired in a verdict, so what reads `expired` is neither. */
function isOnlyExpired(realm: Realm, { record, user, tenant }: TokenContextFacts): boolean {
  const verdict = realm.judge(record)
  const isDisabled = user?.enabled !== true || tenant?.enabled === false
  if (isDisabled || verdict.kind !== 'inactive' || verdict.why !== 'expired') return false
  return realm.nowMs() < record.expiresAtMs + EXPIRED_WINDOW_MS
}

/** A user's tokens are its own, whichever of them it shows; the rest is a matter of power. */
function mayAct({ context, power }: Acting, act: SubjectAct, { user }: Target): boolean {
  if (user.id === context.user.id) return true
  switch (power.kind) {
    // As in v2.0, operators reach every token.
    case 'system':
      return true
    case 'domain':
      return governs(power, user)
    case 'service':
    case 'reader':
      return act !== 'revoke'
    case 'none':
      return false
    default:
      return unreachable(power)
  }
}
