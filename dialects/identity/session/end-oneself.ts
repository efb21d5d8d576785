import { callerFacts, type RevokeAct, revokeToken } from '@rescind/authority'
import { unreachable } from '@rescind/core'
import type { Stale } from '../../wire/answer.ts'
import type { Call } from '../call.ts'
import { IDENTITY } from '../directory/names.ts'
import { callerOf } from './caller.ts'
import { judgeTokenContext, readTokenContext } from './token-context.ts'

/** `nobody`: the token in X-Auth-Token is unknown or has ended. */
export type SelfEnded = 'ended' | 'nobody' | Stale

/**
 * Ends the token in X-Auth-Token. Every kind of token may do this. A suspended one may too, because a logout during a
 * hold must last when the hold is released.
 */
export async function endOneself(call: Call, how: string): Promise<SelfEnded> {
  const { realm, request, presented } = call
  const facts = await readTokenContext(realm, presented, realm.store.urgent)
  const judgedAt = realm.position()
  const context = judgeTokenContext(realm, facts)
  switch (context.kind) {
    case 'unknown':
    case 'dead':
      return 'nobody'
    case 'live': {
      const caller = callerOf(realm, request, context)
      return ended(call, context.record, { caller, how, onlyIfLive: context.record })
    }
    case 'held': {
      // No write can depend on a suspended token. It depends on the user as it is now, under the hold.
      const now = callerFacts({ source: IDENTITY, subject: context.user.id }, judgedAt)
      const caller = {
        ...callerOf(realm, request, context),
        dependency: { realm: realm.ordinal, facts: now },
      }
      return ended(call, context.record, { caller, how })
    }
    default:
      return unreachable(context)
  }
}

async function ended(
  { realm }: Call,
  record: Parameters<typeof revokeToken>[1],
  act: RevokeAct,
): Promise<SelfEnded> {
  const revoked = await revokeToken(realm, record, act)
  return revoked.kind === 'stale' ? 'stale' : 'ended'
}
