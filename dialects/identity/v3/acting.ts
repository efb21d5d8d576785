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

/** The user of X-Auth-Token, the scope of the token, and its power. */
export type Acting = {
  readonly context: LiveTokenContext
  /** For judging the caller again after another await. */
  readonly facts: TokenContextFacts
  readonly grant: ScopeGrant
  readonly power: Power
}

/**
 * Goes on as the caller, or answers 401, whether the token is absent, malformed, unknown, expired, held or revoked. A
 * token for setting up MFA gets 403, because only v2.0 has calls for that.
 */
export async function asActing(
  { realm, request, presented }: Call,
  next: (acting: Acting) => Reply,
): Promise<Answer | Stale> {
  const facts = await readTokenContext(realm, presented)
  if (facts?.user === undefined) return unauthorized(request)
  const grant = await grantedBy(realm, facts.record, facts.user)
  // Judge after the last await.
  const context = judgeTokenContext(realm, facts)
  if (context.kind !== 'live') return unauthorized(request)
  if (isLimited(context.record)) return forbidden('User must setup multi-factor')
  return next({ context, facts, grant, power: powerOf(context.user, grant) })
}

/** Whether the caller's token is still live, for handlers that have awaited since. */
export function stillActs(realm: Realm, { facts }: Acting): boolean {
  return judgeTokenContext(realm, facts).kind === 'live'
}

/** The caller of a write, as the log names it. The write depends on the caller's token. */
export function callerOf({ realm, request }: Call, { context }: Acting): Caller {
  return callerOfContext(realm, request, context)
}
