import type { Answer } from '../wire/answer.ts'
import { SCAN_RETRY_SECONDS } from '../wire/scans.ts'
import type { Call, Handler } from './call.ts'
import { judgeTokenContext, readTokenContext } from './session/token-context.ts'

/**
 * Runs a call that reads many records, if the user (over all its tokens), its realm and the process have room for it.
 * The handler refuses unauthenticated callers, who take up no room.
 */
export function listing(handler: Handler, full: (call: Call, waitSeconds: number) => Answer): Handler {
  return async (call, values) => {
    const { realm, settings, presented } = call
    const context = judgeTokenContext(realm, await readTokenContext(realm, presented))
    if (context.kind !== 'live') return handler(call, values)
    const share = { realm: realm.name, key: `identity/${realm.ordinal}/${context.user.id}` }
    const answer = await settings.scans.run(share, () => handler(call, values))
    return answer ?? full(call, SCAN_RETRY_SECONDS)
  }
}
