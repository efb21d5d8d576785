import { type Collection, type Realm, shaped } from '@rescind/authority'
import type { JsonObject } from '@rescind/core/bytes'

export const TOKEN_EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange'

export type GrantType = 'client_credentials' | 'refresh_token' | 'authorization_code' | typeof TOKEN_EXCHANGE
export const GRANT_TYPES: readonly GrantType[] = [
  'client_credentials',
  'refresh_token',
  'authorization_code',
  TOKEN_EXCHANGE,
]

/** Whose tokens a client may ask about: its own, those meant for it, or every token of the realm. */
export type IntrospectRight = 'own' | 'audience' | 'any'
export type AccessTokenFormat = 'opaque' | 'jwt'
/** What we sign with; RFC 9068 §2.1 asks for RS256 among them. */
export type TokenAlgorithm = 'ES256' | 'RS256' | 'EdDSA'
export const TOKEN_ALGORITHMS: readonly TokenAlgorithm[] = ['ES256', 'RS256', 'EdDSA']

/** Live secrets of one client: enough for a rotation that overlaps with another one. */
export const SECRETS_MAX = 5

export type ClientSecret = {
  /** Names it to operators; grants nothing. */
  readonly id: string
  /** Keyed. */
  readonly digest: string
  readonly createdAtMs: number
  /** Absent: until it is retired. */
  readonly expiresAtMs?: number
}

export type OauthClient = {
  readonly clientId: string
  readonly name?: string
  /** Any that has not expired authenticates it. */
  readonly secrets?: readonly ClientSecret[]
  /** As `secrets`, in records of an earlier form. */
  readonly secretDigests?: readonly string[]
  /** It holds no secret and names itself only (RFC 6749 §2.1). */
  readonly isPublic?: boolean
  /** Its public keys, for private_key_jwt. */
  readonly jwks?: JsonObject
  /** `endpoint`: also takes assertions whose audience is an endpoint's URL or a list, as older clients send them. */
  readonly assertionAudience?: 'issuer' | 'endpoint'
  readonly grantTypes: readonly GrantType[]
  readonly scopes: readonly string[]
  /** What its tokens may be meant for (RFC 8707). */
  readonly audiences?: readonly string[]
  /** What it is called as a resource server, beside its id. */
  readonly resources?: readonly string[]
  readonly redirectUris?: readonly string[]
  readonly introspect: IntrospectRight
  readonly accessTokenFormat?: AccessTokenFormat
  readonly accessTokenSigningAlg?: TokenAlgorithm
  /** RFC 9701 §6 has RS256 where nothing is said. */
  readonly introspectionSigningAlg?: TokenAlgorithm
  readonly accessTokenLifetimeSeconds?: number
  readonly refreshTokenLifetimeSeconds?: number
  /** From the login on, however often it is refreshed. */
  readonly grantLifetimeSeconds?: number
  readonly enabled: boolean
  readonly createdAtMs?: number
}

/** OAuth clients by client id. */
export const OAUTH_CLIENTS: Collection<OauthClient> = {
  name: 'oauthClients',
  keys: () => [],
  isValue: shaped(
    { clientId: 'text', grantTypes: 'texts', scopes: 'texts', enabled: 'flag' },
    {
      ...{ secrets: 'list', secretDigests: 'texts', isPublic: 'flag', jwks: 'members' },
      ...{ audiences: 'texts', resources: 'texts', redirectUris: 'texts', introspect: 'text' },
      ...{ accessTokenLifetimeSeconds: 'number', refreshTokenLifetimeSeconds: 'number' },
      ...{ grantLifetimeSeconds: 'number', createdAtMs: 'number' },
    },
  ),
}

const ACCESS_LIFETIME_SECONDS = 3_600
const REFRESH_LIFETIME_SECONDS = 30 * 86_400
const GRANT_LIFETIME_SECONDS = 90 * 86_400

export function accessLifetimeSeconds({ accessTokenLifetimeSeconds }: OauthClient): number {
  return accessTokenLifetimeSeconds ?? ACCESS_LIFETIME_SECONDS
}

export function refreshLifetimeSeconds({ refreshTokenLifetimeSeconds }: OauthClient): number {
  return refreshTokenLifetimeSeconds ?? REFRESH_LIFETIME_SECONDS
}

/** Where nothing is said, never less than what a refresh token was given on purpose. */
export function grantLifetimeSeconds(client: OauthClient): number {
  return client.grantLifetimeSeconds ?? Math.max(GRANT_LIFETIME_SECONDS, refreshLifetimeSeconds(client))
}

export type OauthClientIntent = Omit<OauthClient, 'secrets' | 'secretDigests' | 'enabled' | 'createdAtMs'> & {
  /** Absent for a public client, and for one that proves itself by its keys alone. */
  readonly clientSecret?: string
}

/** A new client's record. */
export function oauthClientValue(realm: Realm, intent: OauthClientIntent): OauthClient {
  const { clientSecret, ...rest } = intent
  const createdAtMs = realm.nowMs()
  const secrets = clientSecret === undefined ? [] : [newSecret(realm, clientSecret)]
  return { ...rest, secrets, enabled: true, createdAtMs }
}

/** Named after its digest: that is keyed, so it says nothing about the text. */
export function newSecret(realm: Realm, text: string): ClientSecret {
  const digest = realm.secretDigest(text)
  return { id: `sec_${digest.slice(0, SECRET_ID_CHARS)}`, digest, createdAtMs: realm.nowMs() }
}

const SECRET_ID_CHARS = 16
