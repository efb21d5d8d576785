import { unreachable } from '@rescind/core'
import type { Answer, Stale } from '../../wire/answer.ts'
import { untilFresh } from '../../wire/dialect.ts'
import type { Call } from '../call.ts'
import { callerOf } from '../session/caller.ts'
import { endAnother } from '../session/end-another.ts'
import { endOneself } from '../session/end-oneself.ts'
import { tokenNamed } from '../session/naming.ts'
import { type About, asCaller, asCallerAbout } from './caller.ts'
import { NO_CONTENT } from './changing.ts'
import { fault, NO_VALID_TOKEN, unauthorized } from './faults.ts'

const HOW = 'identity.revoke'

/**
 * `DELETE /v2.0/tokens` ends the caller's token; `DELETE /v2.0/tokens/{id}` (or `?tokenId=`) ends the named one. A body
 * is ignored. Revoking one's own token twice is 401, not 404, because the caller is no longer authenticated.
 * @see the seed, "Revoke token"
 */
export function revoke(call: Call, pathId: string | undefined): Promise<Answer> {
  const named = tokenNamed(pathId, call.request.query)
  return untilFresh(() => {
    switch (named.kind) {
      case 'own':
        return endOwn(call)
      case 'id':
        return named.id === call.request.header('x-auth-token')
          ? endOwn(call)
          : asCallerAbout(call, named.id, (about) => end(call, about))
      case 'malformed':
        return asCaller(call, () => fault('badRequest', named.detail))
      default:
        return unreachable(named)
    }
  })
}

async function endOwn(call: Call): Promise<Answer | Stale> {
  const outcome = await endOneself(call, HOW)
  switch (outcome) {
    case 'ended':
      return NO_CONTENT
    case 'nobody':
      return unauthorized(call.request, NO_VALID_TOKEN)
    case 'stale':
      return outcome
    default:
      return unreachable(outcome)
  }
}

async function end({ realm, request }: Call, { caller, target }: About): Promise<Answer | Stale> {
  const act = { caller: callerOf(realm, request, caller), how: HOW }
  return (await endAnother(realm, target, act)) === 'stale' ? 'stale' : NO_CONTENT
}
