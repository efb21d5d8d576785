import { type Found, type Realm, type RevokeAct, revokeGrant, revokeToken } from '@rescind/authority'
import { isOver, type TokenRecord, unreachable, type Verdict } from '@rescind/core'
import { RawToken } from '@rescind/core/tokens'
import type { Answer, Stale } from '../wire/answer.ts'
import { badRequest, refusalAnswer, refuse, success, tooMany } from './answers.ts'
import type { Authenticated, Call } from './call.ts'
import { parameter } from './endpoint-body.ts'

/** RFC 7009 §2.2: a revoked token and one that cannot be live get the same answer. */
const DONE: Answer = success({})
const HINTS = ['token_type_hint', 'token_type', 'tokenType']

const TYPES: readonly (string | undefined)[] = ['access_token', 'refresh_token', undefined]

/**
 * RFC 7009: revokes a refresh token with its whole grant, or one access token. All kinds are searched, because the hint
 * is only a hint (§2.1). A live token of another client is refused (§2.1; the vendor's "permission denied").
 */
export async function revoke(call: Call, authenticated: Authenticated): Promise<Answer | Stale> {
  const { realm, values, options } = call
  const named = HINTS.filter((name) => values.has(name))
  if (named.length > 1) return badRequest('name the token type once, in token_type_hint')
  if (options.strictHints && !named.every((name) => TYPES.includes(parameter(values, name))))
    return badRequest('token_type_hint must be access_token or refresh_token')
  const text = parameter(values, 'token')
  if (text === undefined) return badRequest('token is required')
  const raw = mayBeOurs(realm, text) ? RawToken.parse(text) : undefined
  if (raw === undefined) return DONE
  return revokeFound(call, authenticated, await realm.find(raw, 'oauth', realm.store.urgent))
}

/** Matches our grammar or looks like a JWS. This dialect issues nothing else. */
function mayBeOurs(realm: Realm, text: string): boolean {
  return realm.grammar.shapeOf(text) === 'ours' || text.startsWith('eyJ')
}

async function revokeFound(
  { realm, foreign }: Call,
  { client, caller }: Authenticated,
  { verdict, record }: Found,
): Promise<Answer | Stale> {
  if (verdict.kind === 'unknown') return refusalAnswer({ kind: 'outage' })
  if (record === undefined || record.kind === 'code' || isSpent(verdict)) return DONE
  if (record.client !== client.clientId)
    return notYours(foreign.take(`${realm.ordinal}\0${client.clientId}`, realm.nowMs()))
  // A hold already covers the record, so a condition on it would make the revocation stale.
  const act = { caller, how: 'oauth.revoke' }
  return end(realm, record, verdict.kind === 'active' ? { ...act, onlyIfLive: record } : act)
}

/** Whether revoking it has no effect. A rotated refresh token is not spent: its successor must be revoked. */
function isSpent(verdict: Verdict): boolean {
  return isOver(verdict) && !(verdict.kind === 'inactive' && verdict.why === 'rotated')
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

/** The only answer that tells a client of a live token of another client. Therefore it is rate-limited. */
function notYours(waitSeconds: number): Answer {
  if (waitSeconds === 0) return refuse(403, 'Forbidden', 'permission denied')
  return tooMany('tokens of other clients', waitSeconds)
}
