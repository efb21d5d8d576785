import {
  type Awaitable,
  after,
  type Found,
  RawToken,
  type Realm,
  type RevokeAct,
  revokeGrant,
  revokeToken,
  shapeOf,
  type TokenRecord,
  unreachable,
  type Verdict,
} from '@rescind/core'
import type { Answer, Stale } from '../wire/answer.ts'
import type { RateLimit } from '../wire/rate.ts'
import { badRequest, refusalAnswer, refuse, success } from './answers.ts'
import type { Authenticated } from './client-authentication.ts'
import { type Parameters, parameter } from './endpoint-body.ts'

/** RFC 7009 §2.2: revoked, and everything that could not have been live, answer alike. */
const DONE: Answer = success({})
const HINTS = ['token_type_hint', 'token_type', 'tokenType']

export type Revocation = {
  readonly values: Parameters
  /** How often a client may be told that a token is somebody else's. */
  readonly foreign: RateLimit
}

/**
 * RFC 7009: ends a refresh token's whole grant, or one access token. The hint is only a hint (§2.1): all kinds are
 * looked for whatever it says. A live token of another client is refused (§2.1, the vendor's "permission denied").
 */
export function revoke(
  realm: Realm,
  authenticated: Authenticated,
  asked: Revocation,
): Awaitable<Answer | Stale> {
  if (HINTS.filter((name) => asked.values.has(name)).length > 1)
    return badRequest('the type is named more than once')
  const text = parameter(asked.values, 'token')
  if (text === undefined) return badRequest('token is required')
  const raw = shapeOf(text) === 'ours' ? RawToken.parse(text) : undefined
  if (raw === undefined) return DONE
  return after(realm.find(raw, 'oauth'), (found) => revokeFound(realm, authenticated, { ...asked, found }))
}

function revokeFound(
  realm: Realm,
  { client, caller }: Authenticated,
  { found, foreign }: Revocation & { readonly found: Found },
): Awaitable<Answer | Stale> {
  const { verdict, record } = found
  if (verdict.kind === 'unknown') return refusalAnswer({ kind: 'outage' })
  if (record === undefined || isOver(verdict)) return DONE
  if (record.client !== client.clientId) return notYours(foreign.take(client.clientId, realm.nowMs()))
  // A hold covers the record already: it must not make the revocation stale.
  const live = verdict.kind === 'active' ? { onlyIfLive: record } : {}
  return end(realm, record, { caller, how: 'oauth.revoke', ...live })
}

/**
 * Whether nothing can come of the token any more. A held one returns when it is released, and a refresh token that
 * was used has a successor: both are still worth revoking.
 */
function isOver(verdict: Verdict): boolean {
  return verdict.kind === 'inactive' && verdict.why !== 'held' && verdict.why !== 'rotated'
}

async function end(realm: Realm, record: TokenRecord, act: RevokeAct): Promise<Answer | Stale> {
  const { kind } = await (record.kind === 'refresh'
    ? revokeGrant(realm, record, act)
    : revokeToken(realm, record, act))
  switch (kind) {
    case 'revoked':
      return DONE
    case 'stale':
      return kind
    default:
      return unreachable(kind)
  }
}

/** The one place where a client learns that a token it does not own lives; so it may not ask without end. */
function notYours(waitSeconds: number): Answer {
  if (waitSeconds === 0) return refuse(403, 'Forbidden', 'permission denied')
  const headers = { 'retry-after': String(waitSeconds) }
  return refuse(429, 'TooManyRequests', { description: 'too many tokens of other clients', headers })
}
