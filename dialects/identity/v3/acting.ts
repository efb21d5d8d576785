import type { Caller, Realm } from '@rescind/authority'
import type { Answer, Stale } from '../../wire/answer.ts'
import type { Call, Reply } from '../call.ts'
import { callerOf as callerOfContext } from '../session/caller.ts'
import { isLimited } from '../session/limited.ts'
import {
  judgeTokenContext,
  type LiveTokenContext,
  readTokenContext,
  type TokenContextFacts,
} from '../session/token-context.ts'
import { forbidden, unauthorized } from './answers.ts'
import { type Power, powerOf } from './scopes/power.ts'
import { grantedBy, type ScopeGrant } from './scopes/scope-grant.ts'

/** The user of X-Auth-Token, what its token is good for, and how far that reaches. */
export type Acting = {
  readonly context: LiveTokenContext
  /** For judging the caller once more after another await. */
  readonly facts: TokenContextFacts
  readonly grant: ScopeGrant
  readonly power: Power
}

/**
 * Goes on as the caller, or answers 401: absent, no token, unknown, expired, held and revoked alike. A token for setting
 * up multi-factor authentication is 403: v2.0 has the calls for that.
 */
export async function asActing(
  { realm, request, presented }: Call,
  next: (acting: Acting) => Reply,
): Promise<Answer | Stale> {
  const facts = await readTokenContext(realm, presented)
  if (facts?.user === undefined) return unauthorized(request)
  const grant = await grantedBy(realm, facts.record, facts.user)
  // Judged after the last await.
  const context = judgeTokenContext(realm, facts)
  if (context.kind !== 'live') return unauthorized(request)
  if (isLimited(context.record)) return forbidden('User must setup multi-factor')
  return next({ context, facts, grant, power: powerOf(context.user, grant) })
}

/** Whether the caller still lives, for reads that awaited more since. */
export function stillActs(realm: Realm, { facts }: Acting): boolean {
  return judgeTokenContext(realm, facts).kind === 'live'
}

/** Who acts, as the log names it; what it may do ends with its token. */
export function callerOf({ realm, request }: Call, { context }: Acting): Caller {
  return callerOfContext(realm, request, context)
}
