import {
  type Audit,
  actRow,
  coverLife,
  type IssueAct,
  type Issued,
  issueTokens,
  mintText,
  needActiveKey,
  type Operation,
  type Realm,
  type TokenIntent,
} from '@rescind/authority'
import {
  type Ancestor,
  type Delegation,
  type GrantId,
  grantOf,
  mintHandle,
  type Position,
} from '@rescind/core'
import type { JsonObject } from '@rescind/core/bytes'
import { ACCESS_TOKEN_TYP, judgingClaims, RawToken, signJws } from '@rescind/core/tokens'
import { accessLifetimeSeconds, type OauthClient, refreshLifetimeSeconds } from './directory.ts'
import { grantEndMs } from './grant-life.ts'

/** What tokens are minted for. Without `grant` they start a new one. */
export type Family = {
  readonly subject: string
  readonly scope: string
  readonly audience?: readonly string[]
  readonly grant?: GrantId
  readonly session?: string
  readonly tenant?: string
  readonly ancestors?: readonly Ancestor[]
  readonly delegated?: Delegation
  /** The acting party (RFC 8693 §4.1). */
  readonly act?: JsonObject
  /** When the grant began; absent: now. */
  readonly grantedAtMs?: number
  /** No token minted from this family lives longer. */
  readonly endsAtMs?: number
  /** Who requested the grant, if not its client. */
  readonly mintedBy?: string | undefined
}

export type Minting = {
  readonly realm: Realm
  readonly issuer: string
  readonly client: OauthClient
  /** The position at which the request was judged; it becomes the position of the tokens. */
  readonly judgedAt: Position
}

export type Minted = {
  readonly raw: RawToken
  readonly intent: TokenIntent
  readonly expiresInSeconds: number
  /** Operations that belong in the same write as the token. */
  readonly also: readonly Operation[]
}

/** An access token in the client's format. @returns undefined when a JWT would exceed the length of a token. */
export async function accessToken(
  minting: Minting,
  family: Family,
  format: OauthClient['accessTokenFormat'] = minting.client.accessTokenFormat,
): Promise<Minted | undefined> {
  const { realm, client } = minting
  const nowMs = realm.nowMs()
  const ends = nowMs + lifeMs(realm, accessLifetimeSeconds(client))
  const { endsAtMs = ends } = family
  const expiresAtMs = Math.min(ends, endsAtMs, ...(family.ancestors ?? []).map((up) => up.expiresAtMs))
  if (format === 'jwt') {
    const [iat, exp] = [Math.floor(nowMs / 1_000), Math.floor(expiresAtMs / 1_000)]
    return signedToken(minting, family, { iat, exp })
  }
  const raw = mintText(realm.grammar.prefixes.access, realm.random)
  const intent = intentOf(minting, family, { raw, expiresAtMs })
  return { raw, intent, expiresInSeconds: Math.floor((expiresAtMs - nowMs) / 1_000), also: [] }
}

/** RFC 9068. `jti` is the handle; further claims let verifiers judge the token offline. */
async function signedToken(
  minting: Minting,
  family: Family,
  { iat, exp }: { readonly iat: number; readonly exp: number },
): Promise<Minted | undefined> {
  const { realm, client, issuer, judgedAt } = minting
  const active = await needActiveKey(realm, client.accessTokenSigningAlg ?? 'ES256')
  const handle = mintHandle(realm.random)
  const grant = family.grant ?? grantOf(handle)
  // §3: without a resource in the request a JWT still needs an audience. Ours is the issuer.
  const audience = family.audience ?? [issuer]
  const facts = {
    ...principalsOf(client, family),
    source: 'oauth',
    handle,
    grant,
    ancestors: family.ancestors ?? [],
    position: judgedAt,
    expiresAtMs: exp * 1_000,
  }
  const claims: JsonObject = {
    iss: issuer,
    sub: family.subject,
    aud: audience.length === 1 ? (audience[0] ?? issuer) : audience,
    client_id: client.clientId,
    iat,
    exp,
    ...(family.scope === '' ? {} : { scope: family.scope }),
    ...(family.act === undefined ? {} : { act: family.act }),
    ...judgingClaims(family.session === undefined ? facts : { ...facts, session: family.session }),
  }
  const raw = RawToken.parse(signJws(claims, ACCESS_TOKEN_TYP, active.signing))
  if (raw === undefined) return undefined
  // A JWT whose only audience is its issuer has no audience. Store it like an opaque token.
  const { audience: _audience, ...forNobody } = family
  const isForNobody = audience.length === 1 && audience[0] === issuer
  const stored = isForNobody ? { ...forNobody, grant } : { ...family, grant, audience }
  const intent = {
    ...intentOf(minting, stored, { raw, expiresAtMs: facts.expiresAtMs }),
    handle,
    keyId: active.signing.keyId,
  }
  const also = coverLife(realm, active, (exp - iat) * 1_000)
  return { raw, intent, expiresInSeconds: exp - iat, also }
}

type Refresh = Pick<Minted, 'raw' | 'intent'>
export type Pair = { readonly access: Minted; readonly refresh: Refresh }

/**
 * An access and a refresh token of one grant, which is new unless the family names it. Neither outlives the grant, and
 * the access token does not outlive the refresh token: a grant that nobody refreshes ends with it.
 */
export async function tokenPair(
  minting: Minting,
  family: Family,
  kept: Pick<Family, 'scope' | 'audience'> = family,
): Promise<Pair | undefined> {
  const { realm, client } = minting
  const handle = mintHandle(realm.random)
  const nowMs = realm.nowMs()
  const { grantedAtMs = nowMs } = family
  const ends = nowMs + lifeMs(realm, refreshLifetimeSeconds(client))
  const expiresAtMs = Math.min(ends, grantEndMs(client, grantedAtMs))
  const whole = { ...family, grant: family.grant ?? grantOf(handle), endsAtMs: expiresAtMs }
  const raw = mintText(realm.grammar.prefixes.refresh, realm.random)
  const intent: TokenIntent = {
    // The refresh token keeps the scope and audience of the grant: narrowing one access token does not narrow the next.
    ...intentOf(minting, { ...whole, ...kept }, { raw, expiresAtMs }),
    handle,
    kind: 'refresh',
    claims: { grantedAtMs },
  }
  const access = await accessToken(minting, whole)
  return access === undefined ? undefined : { access, refresh: { raw, intent } }
}

/** The client's lifetime, capped by the realm's maximum. */
function lifeMs({ lifetimes }: Realm, seconds: number): number {
  return Math.min(seconds * 1_000, lifetimes.maxMs)
}

type Text = { readonly raw: RawToken; readonly expiresAtMs: number }

function intentOf(
  { client }: Pick<Minting, 'client'>,
  family: Family,
  { raw, expiresAtMs }: Text,
): TokenIntent {
  const { scope, audience, grant, ancestors, delegated, act, session, mintedBy } = family
  return {
    ...principalsOf(client, family),
    source: 'oauth',
    raw,
    kind: 'access',
    expiresAtMs,
    scope,
    ...(audience === undefined ? {} : { audience }),
    ...(grant === undefined ? {} : { grant }),
    ...(session === undefined ? {} : { session }),
    ...(mintedBy === undefined ? {} : { mintedBy }),
    ...(ancestors === undefined ? {} : { ancestors }),
    ...(delegated === undefined ? {} : { delegated }),
    ...(act === undefined ? {} : { claims: { act } }),
  }
}

function principalsOf({ clientId }: OauthClient, { subject, tenant }: Family) {
  return { client: clientId, subject, ...(tenant === undefined ? {} : { tenant }) }
}

export type Texts = {
  readonly access: Minted
  readonly refresh?: Refresh
  readonly scope: string
  readonly issuedTokenType?: string
}

/**
 * RFC 6749 §5.1. `scope` is always included, so that clients know what they got, except when empty, which §3.3 does not
 * allow.
 */
export function tokenMembers(texts: Texts): Readonly<Record<string, unknown>> {
  const { access, refresh, scope, issuedTokenType } = texts
  return {
    access_token: access.raw.reveal(),
    ...(issuedTokenType === undefined ? {} : { issued_token_type: issuedTokenType }),
    token_type: 'Bearer',
    expires_in: access.expiresInSeconds,
    ...(refresh === undefined ? {} : { refresh_token: refresh.raw.reveal() }),
    ...(scope === '' ? {} : { scope }),
  }
}

/** What the log keeps about a grant that an operator made; absent: nothing. */
export type GrantAudit = { readonly audit?: Audit | undefined }

/** The audit row of such a grant, for the write that creates it. */
export function grantRows(
  realm: Realm,
  grant: GrantId | undefined,
  audit: Audit | undefined,
): readonly Operation[] {
  if (audit === undefined || grant === undefined) return []
  return [actRow(realm, { collection: 'grants', id: grant }, audit)]
}

/** Starts a grant for a subject and mints its first pair. The control API uses it when the login is elsewhere. */
export async function startGrant(
  minting: Minting,
  caller: IssueAct['caller'],
  { audit, ...family }: Family & GrantAudit,
): Promise<{ readonly issued: Issued; readonly texts: Texts } | undefined> {
  const pair = await tokenPair(minting, audit === undefined ? family : { ...family, mintedBy: audit.by })
  if (pair === undefined) return undefined
  const { access, refresh } = pair
  const issued = await issueTokens(minting.realm, {
    judgedAt: minting.judgedAt,
    caller,
    tokens: [access.intent, refresh.intent],
    also: [...access.also, ...grantRows(minting.realm, refresh.intent.grant, audit)],
  })
  return { issued, texts: { ...pair, scope: family.scope } }
}
