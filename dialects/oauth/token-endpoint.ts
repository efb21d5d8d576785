import {
  type Awaitable,
  after,
  type Found,
  type GrantId,
  grantOf,
  type IssueAct,
  type Issued,
  issueTokens,
  mintHandle,
  mintText,
  PREFIX,
  RawToken,
  type Realm,
  type TokenIntent,
  type TokenRecord,
  unreachable,
} from '@rescind/core'
import type { Answer, Stale } from '../wire/answer.ts'
import { badRequest, refuse, success } from './answers.ts'
import type { Authenticated } from './client-authentication.ts'
import { GRANT_TYPES, type GrantType } from './directory.ts'
import { type Parameters, parameter } from './endpoint-body.ts'
import { grantedScope, scopeTokens } from './scopes.ts'

const ACCESS_LIFETIME_SECONDS = 3_600
const REFRESH_LIFETIME_SECONDS = 30 * 86_400

/** RFC 6749 §4.4 and §6. */
export function issueByGrantType(
  realm: Realm,
  authenticated: Authenticated,
  values: Parameters,
): Awaitable<Answer | Stale> {
  const asked = parameter(values, 'grant_type')
  if (asked === undefined) return badRequest('grant_type is required')
  const grantType = GRANT_TYPES.find((known) => known === asked)
  if (grantType === undefined)
    return refuse(400, 'unsupported_grant_type', 'this grant type is not supported')
  if (!authenticated.client.grantTypes.includes(grantType)) {
    return refuse(400, 'unauthorized_client', 'this client may not use this grant type')
  }
  return byGrantType(grantType)(realm, authenticated, values)
}

type Handler = (realm: Realm, authenticated: Authenticated, values: Parameters) => Awaitable<Answer | Stale>

function byGrantType(grantType: GrantType): Handler {
  switch (grantType) {
    case 'client_credentials':
      return clientCredentials
    case 'refresh_token':
      return refresh
    default:
      return unreachable(grantType)
  }
}

/** RFC 6749 §4.4: an access token about the client itself; never a refresh token (§4.4.3). */
async function clientCredentials(
  realm: Realm,
  { client, caller, basis }: Authenticated,
  values: Parameters,
): Promise<Answer | Stale> {
  const scope = grantedScope(parameter(values, 'scope'), client.scopes)
  if (scope === undefined) return refuse(400, 'invalid_scope', 'the scope is malformed or not allowed')
  const { raw, intent } = accessToken(realm, { client: client.clientId, subject: client.clientId, scope })
  const issued = await issueTokens(realm, { basis, caller, tokens: [intent] })
  return answerOf(issued, { access: raw, scope })
}

/** RFC 6749 §6: the refresh token is used up by the unit that mints its successor. */
function refresh(realm: Realm, authenticated: Authenticated, values: Parameters): Awaitable<Answer | Stale> {
  const text = parameter(values, 'refresh_token')
  if (text === undefined) return badRequest('refresh_token is required')
  const raw = RawToken.parse(text)
  if (raw === undefined) return invalidGrant()
  return after(realm.find(raw, 'oauth'), (found) => rotate(realm, authenticated, { values, found }))
}

type Rotation = { readonly values: Parameters; readonly found: Found }

async function rotate(
  realm: Realm,
  { client, caller, basis }: Authenticated,
  { values, found: { verdict, record } }: Rotation,
): Promise<Answer | Stale> {
  if (record === undefined || record.kind !== 'refresh' || record.client !== client.clientId)
    return invalidGrant()
  if (verdict.kind !== 'active') return invalidGrant()
  const scope = grantedScope(parameter(values, 'scope'), scopeTokens(record.scope))
  if (scope === undefined) return refuse(400, 'invalid_scope', 'a refresh can only narrow the scope')
  const pair = tokenPair(realm, { ...familyOf(record), scope })
  // The successor keeps the whole scope of the grant: a narrowed access token does not narrow the next one (§6).
  const tokens = [pair.access.intent, { ...pair.refresh.intent, scope: record.scope ?? scope }]
  const issued = await issueTokens(realm, { basis, caller, tokens, consume: record })
  return answerOf(issued, { access: pair.access.raw, refresh: pair.refresh.raw, scope })
}

export type Family = {
  readonly client: string
  readonly subject: string
  readonly scope: string
  readonly grant?: GrantId
  readonly ancestors?: TokenRecord['ancestors']
}

type Minted = { readonly raw: RawToken; readonly intent: TokenIntent }

/** An access token and a refresh token of one grant: a new one, unless the family names it. */
function tokenPair(realm: Realm, family: Family): { readonly access: Minted; readonly refresh: Minted } {
  const handle = mintHandle(realm.random)
  const grant = family.grant ?? grantOf(handle)
  const raw = mintText(PREFIX.refresh, realm.random)
  const refreshIntent: TokenIntent = {
    ...family,
    raw,
    handle,
    grant,
    kind: 'refresh',
    source: 'oauth',
    expiresAtMs: realm.nowMs() + REFRESH_LIFETIME_SECONDS * 1_000,
  }
  return { access: accessToken(realm, { ...family, grant }), refresh: { raw, intent: refreshIntent } }
}

function accessToken(realm: Realm, family: Family): Minted {
  const raw = mintText(PREFIX.access, realm.random)
  const expiresAtMs = realm.nowMs() + ACCESS_LIFETIME_SECONDS * 1_000
  return { raw, intent: { ...family, raw, kind: 'access', source: 'oauth', expiresAtMs } }
}

function familyOf({ client, subject, grant, ancestors }: TokenRecord): Omit<Family, 'scope'> {
  return { client: client ?? '', subject: subject ?? client ?? '', grant, ancestors }
}

export type Texts = { readonly access: RawToken; readonly refresh?: RawToken; readonly scope: string }

/** RFC 6749 §5.1; `scope` whenever there is one, so that a client knows what it got: §3.3 has no empty scope. */
export function tokenMembers({
  access,
  refresh: refreshText,
  scope,
}: Texts): Readonly<Record<string, unknown>> {
  return {
    access_token: access.reveal(),
    token_type: 'Bearer',
    expires_in: ACCESS_LIFETIME_SECONDS,
    ...(refreshText === undefined ? {} : { refresh_token: refreshText.reveal() }),
    ...(scope === '' ? {} : { scope }),
  }
}

function answerOf(issued: Issued, texts: Texts): Answer | Stale {
  switch (issued.kind) {
    case 'issued':
      return success(tokenMembers(texts))
    case 'stale':
    case 'token-exists':
      // Random text that exists already: draw again.
      return 'stale'
    case 'consumed':
    case 'held':
    case 'lifetime-too-long':
    case 'too-deep':
      return invalidGrant()
    default:
      return unreachable(issued)
  }
}

function invalidGrant(): Answer {
  return refuse(400, 'invalid_grant', 'the grant is not valid: unknown, expired, revoked, or used already')
}

/** Starts a grant for a subject and mints its first pair: what the control API offers where the login is elsewhere. */
export async function startGrant(
  realm: Realm,
  act: Pick<IssueAct, 'basis' | 'caller'>,
  family: Family,
): Promise<{ readonly issued: Issued; readonly texts: Texts }> {
  const pair = tokenPair(realm, family)
  const issued = await issueTokens(realm, { ...act, tokens: [pair.access.intent, pair.refresh.intent] })
  return { issued, texts: { access: pair.access.raw, refresh: pair.refresh.raw, scope: family.scope } }
}
