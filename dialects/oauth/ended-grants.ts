import {
  type Cause,
  EXPIRING_KINDS,
  type ExpiringEntry,
  type Realm,
  type RevokeAct,
  readValue,
  revokeGrant,
  shaped,
} from '@rescind/authority'
import { type GrantId, unreachable } from '@rescind/core'
import { defined } from '@rescind/core/bytes'
import type { Answer, Stale } from '../wire/answer.ts'
import { invalidGrant } from './answers.ts'
import type { Authenticated, Call } from './call.ts'
import { refreshLifetimeSeconds } from './directory.ts'

/** Kind of the expiring entries that tell a client what ended its grant. */
const ENDED = EXPIRING_KINDS.oauthEndedGrant
const IS_CAUSE = shaped({ code: 'text' })

export type EndAct = {
  readonly grant: GrantId
  readonly cause: Cause
  readonly onlyIfLive?: RevokeAct['onlyIfLive']
}

/**
 * Ends the whole grant after a single-use token or code was used again. The server cannot tell the thief from the owner (RFC
 * 9700 §4.14.2, RFC 6749 §4.1.2). One write holds the cause and the revocation; the audit log has the cause too.
 */
export async function endGrant(
  { realm, options, request }: Call,
  { client, caller }: Authenticated,
  { grant, cause, onlyIfLive }: EndAct,
): Promise<Answer | Stale> {
  const entry: ExpiringEntry = {
    kind: ENDED,
    id: grant,
    value: Buffer.from(JSON.stringify(cause), 'utf8'),
    expiresAtMs: realm.nowMs() + refreshLifetimeSeconds(client) * 1_000,
  }
  const { kind } = await revokeGrant(
    realm,
    { source: 'oauth', grant },
    {
      caller,
      how: 'oauth.token',
      why: cause.code,
      cause,
      also: [{ kind: 'put-expiring', entry }],
      ...defined({ onlyIfLive }),
    },
  )
  switch (kind) {
    case 'stale':
      return kind
    case 'revoked': {
      const of = { realm: realm.name, client: client.clientId, from: request.from }
      options.onNotice?.({ event: 'grant-ended', ...of, cause })
      return invalidGrant(cause)
    }
    default:
      return unreachable(kind)
  }
}

/** `invalid_grant` for an ended grant, with its cause if known. Only for the client that held the grant. */
export async function endedAnswer(realm: Realm, grant: GrantId): Promise<Answer> {
  const entry = await realm.store.expiring(realm.ordinal, { kind: ENDED, id: grant })
  if (entry === undefined || entry.expiresAtMs <= realm.nowMs()) return invalidGrant()
  return invalidGrant(readValue<Cause>(entry.value, `${ENDED}/${grant}`, IS_CAUSE))
}
