import { type Awaitable, after } from '@rescind/core'
import type { Answer } from '../wire/answer.ts'
import { SCAN_RETRY_SECONDS } from '../wire/scans.ts'
import type { Call, Handler } from './call.ts'
import { judgeParty, readParty } from './session/party.ts'

/**
 * A call that looks at many records: a user has room for some of them at once, whatever tokens it asks with, and so have
 * its realm and the process. Whoever is nobody is refused by the handler, and takes up nobody's room.
 */
export function listing(handler: Handler, full: (call: Call, waitSeconds: number) => Answer): Handler {
  return (call, values): Awaitable<Answer> => {
    const { realm, request, settings } = call
    const text = request.header('x-auth-token')
    return after(text === undefined ? undefined : readParty(realm, text), (facts): Awaitable<Answer> => {
      const party = judgeParty(realm, facts)
      if (party.kind !== 'live') return handler(call, values)
      const share = { realm: realm.name, key: `identity/${realm.ordinal}/${party.user.id}` }
      return settings.scans
        .run(share, () => handler(call, values))
        .then((answer) => answer ?? full(call, SCAN_RETRY_SECONDS))
    })
  }
}
