import { type Awaitable, after, type Collection, type Realm, seal, subkey, unseal } from '@rescind/core'

/** The source of every token, subject and tenant of this dialect. */
export const IDENTITY = 'identity'

export type IdentityUser = {
  readonly id: string
  readonly username: string
  /** Made and read by the server's password hashing; absent: no password is right. */
  readonly passwordHash?: string
  /** What an API key is compared by; absent: no key is right. */
  readonly apiKeyDigest?: string
  /** The API key itself, sealed, base64url: the dialect has to show it to its owner. */
  readonly apiKeySealed?: string
  /** The tenant that a login is scoped to. */
  readonly tenantId?: string
  /** What v2.0 authority is measured by; absent: the tenant's id. */
  readonly accountId?: string
  /** The v3 domain. */
  readonly domainId: string
  /** Names: `identity:user-admin`. */
  readonly roles: readonly string[]
  readonly enabled: boolean
}

export type IdentityTenant = {
  readonly id: string
  readonly name: string
  readonly enabled: boolean
  readonly description?: string
}

export const IDENTITY_USERS: Collection<IdentityUser> = {
  name: 'identityUsers',
  keys: (user) => [{ name: 'username', value: user.username }],
}

export const IDENTITY_TENANTS: Collection<IdentityTenant> = {
  name: 'identityTenants',
  keys: (tenant) => [{ name: 'name', value: tenant.name }],
}

const DEFAULT_DOMAIN = 'default'

export type NewIdentityUser = Omit<IdentityUser, 'apiKeyDigest' | 'apiKeySealed' | 'domainId'> & {
  readonly domainId?: string
  /** In the clear; only its digest and its sealed text are kept. */
  readonly apiKey?: string
}

/** The record of a user, its API key digested and sealed. */
export function identityUserValue(realm: Realm, given: NewIdentityUser): IdentityUser {
  const { apiKey, ...rest } = given
  const user = { ...rest, domainId: given.domainId ?? DEFAULT_DOMAIN }
  if (apiKey === undefined) return user
  const plain = Buffer.from(apiKey, 'utf8')
  const associated = apiKeyLabel(realm, user.id)
  const sealed = seal({ key: apiKeyKey(realm, user.id), associated, random: realm.random }, plain)
  return { ...user, apiKeyDigest: realm.secretDigest(apiKey), apiKeySealed: sealed.toString('base64url') }
}

export type NewIdentityTenant = Omit<IdentityTenant, 'enabled'> & { readonly enabled?: boolean }

export function identityTenantValue(given: NewIdentityTenant): IdentityTenant {
  return { ...given, enabled: given.enabled ?? true }
}

/** @returns undefined when the user has no API key, or its text was sealed for another user or realm. */
export function unsealApiKey(realm: Realm, user: IdentityUser): string | undefined {
  if (user.apiKeySealed === undefined) return undefined
  const sealed = Buffer.from(user.apiKeySealed, 'base64url')
  return unseal(apiKeyKey(realm, user.id), sealed, apiKeyLabel(realm, user.id))?.toString('utf8')
}

/**
 * @returns undefined for a user without an account: nobody but itself and the operators governs its tokens.
 */
export function accountOf(user: IdentityUser): string | undefined {
  return user.accountId ?? user.tenantId
}

export function userById(realm: Realm, id: string): Awaitable<IdentityUser | undefined> {
  return after(realm.directory.get(IDENTITY_USERS, id), (entry) => entry?.value)
}

export function userByName(realm: Realm, username: string): Awaitable<IdentityUser | undefined> {
  const key = { name: 'username', value: username }
  return after(realm.directory.find(IDENTITY_USERS, key), (entry) => entry?.value)
}

/**
 * A tenant that a user or a token names. One that was never recorded is named by its id, so that a user can
 * have an account number without more; one that was deleted counts as disabled.
 */
export function tenantById(realm: Realm, id: string): Awaitable<IdentityTenant> {
  return after(realm.directory.get(IDENTITY_TENANTS, id), (entry) => {
    if (entry !== undefined) return entry.value
    const standing = realm.directory.standing(IDENTITY_TENANTS, id)
    return after(standing, ({ version }) => ({ id, name: id, enabled: version === 0 }))
  })
}

function apiKeyKey(realm: Realm, userId: string): Buffer {
  return subkey(realm.keys.sealKey, `identity-api-key:${userId}`)
}

function apiKeyLabel(realm: Realm, userId: string): string {
  return `identity-api-key:${realm.name}:${userId}`
}
