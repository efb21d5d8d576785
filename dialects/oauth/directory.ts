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

/** Which tokens a client may introspect: its own, those meant for it, or every token of the realm. */
export type IntrospectRight = 'own' | 'audience' | 'any'
export type AccessTokenFormat = 'opaque' | 'jwt'
/** Algorithms that we sign with. RFC 9068 §2.1 requires RS256. */
export type TokenAlgorithm = 'ES256' | 'RS256' | 'EdDSA'
export const TOKEN_ALGORITHMS: readonly TokenAlgorithm[] = ['ES256', 'RS256', 'EdDSA']

/** Live secrets per client: enough for two overlapping rotations. */
export const SECRETS_MAX = 5

export type ClientSecret = {
  /** Identifies the secret to operators; grants nothing. */
  readonly id: string
  /** Keyed digest of the secret. */
  readonly digest: string
  readonly createdAtMs: number
  /** Absent: valid until it is removed. */
  readonly expiresAtMs?: number
}

export type OauthClient = {
  readonly clientId: string
  readonly name?: string
  /** Each of them authenticates the client until it expires. */
  readonly secrets?: readonly ClientSecret[]
  /** Digests of secrets in records of earlier versions. */
  readonly secretDigests?: readonly string[]
  /** The client has no secret and only names itself (RFC 6749 §2.1). */
  readonly isPublic?: boolean
  /** Public keys for private_key_jwt. */
  readonly jwks?: JsonObject
  /** `endpoint`: also accept assertions whose audience is an endpoint's URL or a list, as older clients send them. */
  readonly assertionAudience?: 'issuer' | 'endpoint'
  readonly grantTypes: readonly GrantType[]
  readonly scopes: readonly string[]
  /** Targets that its tokens may be meant for (RFC 8707). */
  readonly audiences?: readonly string[]
  /** Its names as a resource server, beside its id. */
  readonly resources?: readonly string[]
  readonly redirectUris?: readonly string[]
  readonly introspect: IntrospectRight
  readonly accessTokenFormat?: AccessTokenFormat
  readonly accessTokenSigningAlg?: TokenAlgorithm
  /** RFC 9701 §6: the default is RS256. */
  readonly introspectionSigningAlg?: TokenAlgorithm
  readonly accessTokenLifetimeSeconds?: number
  readonly refreshTokenLifetimeSeconds?: number
  /** Counted from the login, not from the last refresh. */
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

/** The default is never shorter than the client's refresh token lifetime. */
export function grantLifetimeSeconds(client: OauthClient): number {
  return client.grantLifetimeSeconds ?? Math.max(GRANT_LIFETIME_SECONDS, refreshLifetimeSeconds(client))
}

export type OauthClientIntent = Omit<OauthClient, 'secrets' | 'secretDigests' | 'enabled' | 'createdAtMs'> & {
  /** Absent for public clients and for clients that authenticate with keys alone. */
  readonly clientSecret?: string
}

/** A new client's record. */
export function oauthClientValue(realm: Realm, intent: OauthClientIntent): OauthClient {
  const { clientSecret, ...rest } = intent
  const createdAtMs = realm.nowMs()
  const secrets = clientSecret === undefined ? [] : [newSecret(realm, clientSecret)]
  return { ...rest, secrets, enabled: true, createdAtMs }
}

/** The id is part of the digest. The digest is keyed, so the id says nothing about the secret. */
export function newSecret(realm: Realm, text: string): ClientSecret {
  const digest = realm.secretDigest(text)
  return { id: `sec_${digest.slice(0, SECRET_ID_CHARS)}`, digest, createdAtMs: realm.nowMs() }
}

const SECRET_ID_CHARS = 16
