import { unreachable } from '@rescind/core'
import type { Answer, Stale } from '../../wire/answer.ts'
import type { Call, Reply } from '../call.ts'
import { isLimited, isOfAppCredential } from '../session/limited.ts'
import {
  judgeTokenContext,
  type LiveTokenContext,
  parseOwn,
  readTokenContext,
  type TokenContextFacts,
} from '../session/token-context.ts'
import { type Authority, authorityOver } from './authority.ts'
import { fault, NO_VALID_TOKEN, notAuthorized, tokenNotFound, unauthorized } from './faults.ts'

/**
 * Goes on as the user of X-Auth-Token, or answers 401, whether the token is absent, malformed, unknown, expired or
 * revoked. A token for setting up MFA gets 403. `facts` let `next` judge the caller again after another await.
 */
export function asCaller<R extends Answer | Stale>(
  call: Call,
  next: (caller: LiveTokenContext, facts: TokenContextFacts) => R | Promise<R>,
): Promise<Answer | R> {
  return asAnyCaller(call, (caller, facts) => (isLimited(caller.record) ? limited() : next(caller, facts)))
}

function limited(): Answer {
  return fault('forbidden', 'User must setup multi-factor')
}

/** The same for calls that need the user's own authority, which a token of an application credential lacks. */
export function asWholeCaller(
  call: Call,
  next: (caller: LiveTokenContext, facts: TokenContextFacts) => Reply,
): Promise<Answer | Stale> {
  return asCaller(call, (caller, facts) =>
    isOfAppCredential(caller.record) ? notAuthorized() : next(caller, facts),
  )
}

/** The same for calls that a token for setting up MFA may also make. */
export async function asAnyCaller<R extends Answer | Stale>(
  { realm, request, presented }: Call,
  next: (caller: LiveTokenContext, facts: TokenContextFacts) => R | Promise<R>,
): Promise<Answer | R> {
  const facts = await readTokenContext(realm, presented)
  const caller = judgeTokenContext(realm, facts)
  if (facts === undefined || caller.kind !== 'live') return unauthorized(request, NO_VALID_TOKEN)
  return next(caller, facts)
}

type Granted = Extract<ReturnType<typeof authorityOver>, { kind: 'granted' }>['target']
export type About = { readonly caller: LiveTokenContext; readonly target: Granted }

/** Goes on with a token that the caller may act on, or answers 403 or 404. */
export async function asCallerAbout<R extends Answer | Stale>(
  { realm, request, presented }: Call,
  id: string,
  next: (about: About) => R | Promise<R>,
): Promise<Answer | R> {
  const callerFacts = await readTokenContext(realm, presented)
  const first = judgeTokenContext(realm, callerFacts)
  if (first.kind !== 'live') return unauthorized(request, NO_VALID_TOKEN)
  if (isLimited(first.record)) return limited()
  const targetFacts = await readTokenContext(realm, parseOwn(realm, id))
  // Judge both after the last await: the caller may have been revoked during the read.
  const caller = judgeTokenContext(realm, callerFacts)
  if (caller.kind !== 'live') return unauthorized(request, NO_VALID_TOKEN)
  const authority: Authority<Granted> = authorityOver(caller, judgeTokenContext(realm, targetFacts))
  switch (authority.kind) {
    case 'forbidden':
      return notAuthorized()
    case 'missing':
      return tokenNotFound()
    case 'granted':
      return await next({ caller, target: authority.target })
    default:
      return unreachable(authority)
  }
}
