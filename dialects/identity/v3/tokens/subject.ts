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

/** A token that the caller may act on. `isStillGood` judges it again after further reads. */
export type Target = {
  readonly kind: 'live' | 'held' | 'expired'
  readonly record: TokenRecord
  readonly user: IdentityUser
  readonly isStillGood: () => boolean
}

export type About = { readonly acting: Acting; readonly target: Target; readonly text: string }

/**
 * How long expired tokens are shown to callers who ask for them: as long as rules on them are certainly kept. Later a
 * token revoked before its expiry could look merely expired.
 */
const EXPIRED_WINDOW_MS: number = KEEP_MARGIN_MS

/**
 * Goes on with the token of X-Subject-Token if the caller may do this to it. Otherwise unknown, dead, foreign and
 * missing tokens get the same answer: 404 for callers with power over tokens, 403 for others, as in Keystone. A service
 * that lacks its role thus reports 503 instead of logging everybody out.
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
    const reads = act === 'revoke' ? realm.store.urgent : undefined
    const facts = await readTokenContext(realm, parseOwn(realm, text), reads)
    // Judge both after the last await: the caller may have been revoked during the read.
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
  // A limited token must not be accepted elsewhere.
  if (act !== 'revoke' && isLimited(record)) return undefined
  return { kind, record, user, isStillGood: () => kindOf(realm, facts, act) === kind }
}

/** @returns undefined for a token that is over for this act. */
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

/** A verdict names revoked and held before expired, so `expired` excludes both. */
function isOnlyExpired(realm: Realm, { record, user, tenant }: TokenContextFacts): boolean {
  const verdict = realm.judge(record)
  const isDisabled = user?.enabled !== true || tenant?.enabled === false
  if (isDisabled || verdict.kind !== 'inactive' || verdict.why !== 'expired') return false
  return realm.nowMs() < record.expiresAtMs + EXPIRED_WINDOW_MS
}

/** Users may act on all of their own tokens; acting on others' needs power. */
function mayAct({ context, power }: Acting, act: SubjectAct, { user }: Target): boolean {
  if (user.id === context.user.id) return true
  switch (power.kind) {
    // As in v2.0, operators may act on every token.
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
