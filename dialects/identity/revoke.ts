import { type Awaitable, type RevokeAct, revokeToken, unreachable } from '@rescind/core'
import type { Answer, Stale } from '../wire/answer.ts'
import { untilFresh } from '../wire/dialect.ts'
import type { Call } from './call.ts'
import { type About, asCaller, asCallerAbout, callerOf } from './caller.ts'
import { fault, VARY } from './faults.ts'
import { tokenNamed } from './naming.ts'

const NO_CONTENT: Answer = { status: 204, headers: { ...VARY, 'cache-control': 'no-store' }, body: '' }

/**
 * `DELETE /v2.0/tokens` ends the caller's token, `DELETE /v2.0/tokens/{id}` (or `?tokenId=`) the one it
 * names; a request body is ignored. The second of two own revokes is 401, not 404: its caller is nobody any
 * more.
 * @see the seed, "Revoke token"
 */
export function revoke(call: Call, pathId: string | undefined): Awaitable<Answer> {
  const named = tokenNamed(pathId, call.request.query)
  return untilFresh(() => {
    switch (named.kind) {
      case 'own':
        return asCaller(call, (caller) => end(call, { caller, target: caller }))
      case 'id':
        return asCallerAbout(call, named.id, (about) => end(call, about))
      case 'malformed':
        return asCaller(call, () => fault('badRequest', named.detail))
      default:
        return unreachable(named)
    }
  })
}

async function end({ realm, request }: Call, { caller, target }: About): Promise<Answer | Stale> {
  const act: RevokeAct = { caller: callerOf(realm, request, caller), how: 'identity.revoke' }
  // A suspended token can be revoked, and it would fail a condition to be alive.
  const revoked = await revokeToken(
    realm,
    target.record,
    target.kind === 'held' ? act : { ...act, onlyIfLive: target.record },
  )
  return revoked.kind === 'stale' ? 'stale' : NO_CONTENT
}
