import { LIFETIME_MAX_MS } from '@rescind/core'
import type { JsonObject } from '@rescind/core/bytes'
import { importJwks, KEYS_MAX } from '@rescind/core/tokens'
import {
  GRANT_TYPES,
  type GrantType,
  type OauthClient,
  type OauthClientIntent,
  TARGET_MAX_CHARS,
  TOKEN_ALGORITHMS,
  TOKEN_EXCHANGE,
  type TokenAlgorithm,
} from '@rescind/dialects'
import { z } from 'zod'
import { storedText } from './text-schemas.ts'

/** The settings of a client, with the same names in the seed file and in the control API. */

const TEXT_MAX = 256
const URI_MAX = 2_048
const LIST_MAX = 64
const TARGETS_MAX = 16
const LIFETIME_MAX_SECONDS = LIFETIME_MAX_MS / 1_000

const text = storedText(TEXT_MAX)
const scope = z
  .string()
  .max(TEXT_MAX)
  .regex(/^[\x21\x23-\x5b\x5d-\x7e]+$/, 'must be one scope token (RFC 6749 §3.3)')
const target = z.string().min(1).max(TARGET_MAX_CHARS)
const algorithm = z.enum(TOKEN_ALGORITHMS)
const lifetime = z.int().min(1).max(LIFETIME_MAX_SECONDS)
/** RFC 6749 §3.1.2: absolute, without a fragment; plain http only to this machine (RFC 8252 §7.3). */
const redirectUri = z
  .string()
  .max(URI_MAX)
  .refine(isRedirectUri, 'must be an absolute URI without a fragment, https unless loopback')

export type ClientSettings = {
  readonly name?: string | undefined
  readonly grantTypes: readonly GrantType[]
  readonly scopes: readonly string[]
  readonly audiences?: readonly string[] | undefined
  readonly resources?: readonly string[] | undefined
  readonly redirectUris?: readonly string[] | undefined
  readonly introspect: OauthClient['introspect']
  readonly accessTokenFormat?: 'opaque' | 'jwt' | undefined
  readonly accessTokenSigningAlg?: TokenAlgorithm | undefined
  readonly introspectionSigningAlg?: TokenAlgorithm | undefined
  readonly accessTokenLifetimeSeconds?: number | undefined
  readonly refreshTokenLifetimeSeconds?: number | undefined
  readonly grantLifetimeSeconds?: number | undefined
  readonly jwks?: JsonObject | undefined
  readonly assertionAudience?: 'issuer' | 'endpoint' | undefined
  readonly public?: boolean | undefined
}

type Shape<T> = { readonly [Name in keyof Required<T>]: z.ZodType<T[Name]> }

/** A key set (RFC 7517); `settingsProblem` checks its contents. */
const jwks: z.ZodType<JsonObject> = z.record(z.string(), z.json()) as z.ZodType<JsonObject>

const OPTIONAL = {
  name: text,
  audiences: z.array(target).max(TARGETS_MAX),
  resources: z.array(target).max(TARGETS_MAX),
  redirectUris: z.array(redirectUri).max(LIST_MAX),
  accessTokenFormat: z.enum(['opaque', 'jwt']),
  accessTokenSigningAlg: algorithm,
  introspectionSigningAlg: algorithm,
  accessTokenLifetimeSeconds: lifetime,
  refreshTokenLifetimeSeconds: lifetime,
  grantLifetimeSeconds: lifetime,
  jwks,
  assertionAudience: z.enum(['issuer', 'endpoint']),
}
const grantTypes = z.array(z.enum(GRANT_TYPES)).min(1)
const scopes = z.array(scope).max(LIST_MAX)
const introspect = z.enum(['own', 'audience', 'any'])

export const CLIENT_SETTINGS: Shape<ClientSettings> = {
  ...(each(OPTIONAL, (type) => type.optional()) as Shape<Omit<ClientSettings, Whole>>),
  grantTypes,
  scopes: scopes.default([]),
  introspect: introspect.default('own'),
  public: z.boolean().optional(),
}

type Whole = 'grantTypes' | 'scopes' | 'introspect' | 'public'

/** Settings that can be changed later; null removes a member. */
export type ClientChange = {
  readonly [Name in Exclude<keyof ClientSettings, Whole>]?: ClientSettings[Name] | null
} & { readonly [Name in Exclude<Whole, 'public'>]?: ClientSettings[Name] | undefined }

export const CLIENT_CHANGE: Shape<ClientChange> = {
  ...(each(OPTIONAL, (type) => type.nullable().optional()) as Shape<Omit<ClientChange, Whole>>),
  grantTypes: grantTypes.optional(),
  scopes: scopes.optional(),
  introspect: introspect.optional(),
}

/** The same names, each with its type mapped by `make`. */
function each(shape: z.ZodRawShape, make: (type: z.ZodType) => z.ZodType): z.ZodRawShape {
  return Object.fromEntries(Object.entries(shape).map(([name, type]) => [name, make(type as z.ZodType)]))
}

/** @returns why these settings contradict each other. */
export function settingsProblem(settings: Omit<ClientSettings, 'name'>): string | undefined {
  const { jwks, grantTypes } = settings
  if (jwks !== undefined && !areKeys(jwks))
    return `jwks: 1 to ${KEYS_MAX} public keys (EC P-256, Ed25519, RSA of 2,048 to 8,192 bits), and nothing private`
  if (settings.public !== true) return undefined
  if (jwks !== undefined) return 'public: a client that has keys of its own is not public'
  // RFC 6749 §4.4: for clients that can keep a secret. Exchange acts in the client's own name, too.
  if (grantTypes.includes('client_credentials') || grantTypes.includes(TOKEN_EXCHANGE))
    return 'grantTypes: a public client cannot use client_credentials or token exchange'
  return settings.introspect === 'own' ? undefined : 'introspect: a public client cannot introspect'
}

function areKeys(jwks: JsonObject): boolean {
  const { keys } = jwks
  const count = Array.isArray(keys) ? keys.length : 0
  return count > 0 && count <= KEYS_MAX && importJwks(jwks)?.length === count
}

/** The settings in the form of the record; absent ones stay absent. */
export function clientMembers(
  settings: ClientSettings,
): Omit<OauthClientIntent, 'clientId' | 'clientSecret'> {
  const { public: isPublic, ...rest } = settings
  const members = { ...rest, ...(isPublic === true ? { isPublic } : {}) }
  const given = Object.entries(members).filter(([, value]) => value !== undefined)
  // Only undefined members were dropped, and those are optional in the type.
  return Object.fromEntries(given) as unknown as Omit<OauthClientIntent, 'clientId' | 'clientSecret'>
}

/** The settings of a record, in the form that a client sends. */
export function settingsOf(client: OauthClient): ClientSettings {
  const {
    clientId: _id,
    secrets: _secrets,
    secretDigests: _digests,
    enabled: _enabled,
    createdAtMs: _createdAt,
    isPublic,
    ...rest
  } = client
  return { ...rest, ...(isPublic === true ? { public: true } : {}) }
}

function isRedirectUri(value: string): boolean {
  const url = URL.canParse(value) ? new URL(value) : undefined
  if (url === undefined || value.includes('#') || url.username !== '') return false
  if (url.protocol === 'http:') return ['localhost', '127.0.0.1', '[::1]'].includes(url.hostname)
  // RFC 8252 §7.1: an app's own scheme is a reversed domain name.
  return url.protocol === 'https:' || /^[a-z][a-z0-9+-]*(?:\.[a-z0-9+-]+)+:$/.test(url.protocol)
}
