import { ANCESTORS_MAX, ancestorsFrom, type TokenRecord } from '@rescind/core'
import type { JsonObject } from '@rescind/core/bytes'
import { defined } from '@rescind/core/bytes'
import { RawToken } from '@rescind/core/tokens'
import type { Answer, Stale } from '../wire/answer.ts'
import { badRequest, refusalAnswer, suspended } from './answers.ts'
import type { Authenticated, Call } from './call.ts'
import type { OauthClient } from './directory.ts'
import { parameter } from './endpoint-body.ts'
import { isHeldAlone } from './grant-life.ts'
import { issueAnswer, mintingOf, tooLong, wrongScope, wrongTarget } from './issuing.ts'
import { grantedScope, scopeTokens } from './scopes.ts'
import { targetsOf } from './targets.ts'
import { accessToken, type Family } from './tokens.ts'
import { isVisible } from './visibility.ts'

const TYPE = {
  access: 'urn:ietf:params:oauth:token-type:access_token',
  refresh: 'urn:ietf:params:oauth:token-type:refresh_token',
  jwt: 'urn:ietf:params:oauth:token-type:jwt',
} as const

/** A token from the request: live, and usable by the client. */
type Given = { readonly record: TokenRecord }
type Read = Given | { readonly answer: Answer }

/**
 * RFC 8693: mints a token from a subject token. It stays in the grant and records its ancestors, so it ends with them.
 * It never outlives them, and its scope and targets are never wider.
 */
export async function exchange(call: Call, authenticated: Authenticated): Promise<Answer | Stale> {
  const { values } = call
  const wanted = parameter(values, 'requested_token_type') ?? TYPE.access
  if (wanted !== TYPE.access && wanted !== TYPE.jwt)
    return badRequest('requested_token_type is not supported')
  const hasActor = parameter(values, 'actor_token') !== undefined
  // §2.1: actor_token_type is required with actor_token and forbidden without it.
  if (hasActor !== (parameter(values, 'actor_token_type') !== undefined))
    return badRequest('actor_token and actor_token_type belong together')
  const subject = await givenToken(call, authenticated, 'subject')
  if ('answer' in subject) return subject.answer
  const actor = hasActor ? await givenToken(call, authenticated, 'actor') : undefined
  if (actor !== undefined && 'answer' in actor) return actor.answer
  return derive(call, authenticated, { subject, actor, isJwt: wanted === TYPE.jwt })
}

type Derivation = { readonly subject: Given; readonly actor: Given | undefined; readonly isJwt: boolean }

async function derive(
  call: Call,
  authenticated: Authenticated,
  { subject, actor, isJwt }: Derivation,
): Promise<Answer | Stale> {
  const { client } = authenticated
  const { record } = subject
  const allowed = scopeTokens(record.scope).filter((token) => client.scopes.includes(token))
  const scope = grantedScope(parameter(call.values, 'scope'), allowed)
  if (scope === undefined) return wrongScope()
  const targets = targetsOf(call.lists, client, audienceOf(call, record))
  if (targets.kind === 'refused') return wrongTarget(authenticated)
  const ancestors = ancestorsFrom([record, ...(actor === undefined ? [] : [actor.record])])
  if (ancestors.length > ANCESTORS_MAX) return badRequest('the token has been exchanged too often')
  const act = actOf(record, actor?.record)
  const { audience } = targets
  const family: Family = {
    subject: record.subject ?? record.client ?? client.clientId,
    scope,
    grant: record.grant,
    ancestors,
    delegated: 'exchange',
    ...defined({ audience, session: record.session, tenant: record.tenant, act }),
  }
  const format = isJwt ? 'jwt' : client.accessTokenFormat
  const access = await accessToken(mintingOf(call, authenticated), family, format)
  if (access === undefined) return tooLong()
  const issuedTokenType = isJwt ? TYPE.jwt : TYPE.access
  return issueAnswer(call, authenticated, { texts: { access, scope, issuedTokenType } })
}

/** A JWT without an audience names its issuer (RFC 9068 §2.2). Older records of such tokens store that name. */
function audienceOf({ issuer }: Call, { audience = [] }: TokenRecord): readonly string[] {
  return audience.length === 1 && audience[0] === issuer ? [] : audience
}

/** §2.2.2: every fault of a token in the request is `invalid_request`, without details. */
async function givenToken(call: Call, { client }: Authenticated, of: 'subject' | 'actor'): Promise<Read> {
  const text = parameter(call.values, `${of}_token`)
  const type = parameter(call.values, `${of}_token_type`)
  if (text === undefined || type === undefined)
    return { answer: badRequest(`${of}_token and ${of}_token_type are required`) }
  if (!Object.values<string>(TYPE).includes(type))
    return { answer: badRequest(`${of}_token_type is not supported`) }
  const wrong: Read = { answer: badRequest(`${of}_token is not acceptable`) }
  const raw = RawToken.parse(text)
  if (raw === undefined) return wrong
  const { verdict, record } = await call.realm.find(raw, 'oauth')
  if (record === undefined || !isOfType(record, type) || !mayUse(record, client)) return wrong
  if (verdict.kind === 'unknown') return { answer: refusalAnswer({ kind: 'outage' }) }
  // JWTs end on whole seconds, so a token in its last second cannot be exchanged.
  const isEnding = record.expiresAtMs - call.realm.nowMs() < 1_000
  if (isHeldAlone(call.realm, { verdict, record })) return { answer: suspended() }
  return verdict.kind === 'active' && !isEnding ? { record } : wrong
}

function isOfType({ kind, keyId }: TokenRecord, type: string): boolean {
  if (type === TYPE.refresh) return kind === 'refresh'
  return kind === 'access' && (type === TYPE.access || keyId !== undefined)
}

/** A client may use its own tokens and the access tokens that it may introspect, because those were sent to it. */
function mayUse(record: TokenRecord, client: OauthClient): boolean {
  if (record.client === client.clientId) return true
  return record.kind === 'access' && isVisible(record, client)
}

/** §4.1: the current actor is outermost; earlier actors are nested in it. */
function actOf({ claims }: TokenRecord, actor: TokenRecord | undefined): JsonObject | undefined {
  // Only this file writes `act`.
  const before = claims?.act as JsonObject | undefined
  if (actor === undefined) return before
  const now = { sub: actor.subject ?? actor.client ?? '', client_id: actor.client ?? '' }
  return before === undefined ? now : { ...now, act: before }
}
