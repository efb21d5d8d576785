import { type Collection, type Entry, type Realm, shaped } from '@rescind/authority'
import { foldedName } from '../../wire/folded-name.ts'
import { DEFAULT_DOMAIN } from './names.ts'
import { roleIdOfName } from './roles.ts'
import { type SealPurpose, sealText, unsealText } from './sealed-text.ts'

/** Whether a user or a whole account must use multi-factor authentication. */
export type MfaEnforcement = 'DEFAULT' | 'OPTIONAL' | 'REQUIRED'

/** A TOTP generator (RFC 6238). It counts once a first code was verified. */
export type OtpDevice = {
  readonly id: string
  readonly name: string
  readonly isVerified: boolean
  /** The seed, sealed for the user's id and the device's. */
  readonly seedSealed: string
}

/** A phone that receives passcodes as text messages, once a first one was verified. */
export type MobilePhone = { readonly id: string; readonly number: string; readonly isVerified: boolean }

export type Mfa = {
  readonly isEnabled: boolean
  readonly enforcement: MfaEnforcement
  readonly otpDevices: readonly OtpDevice[]
  readonly phones: readonly MobilePhone[]
}

const NO_MFA: Mfa = { isEnabled: false, enforcement: 'DEFAULT', otpDevices: [], phones: [] }

/**
 * A role of a user: global (v2.0), on one project, on one v3 domain, or on the system. At most one of the three members
 * is present.
 */
export type Grant = {
  readonly roleId: string
  readonly tenantId?: string
  readonly domainId?: string
  readonly system?: true
}

export type IdentityUser = {
  readonly id: string
  /** Unique in the realm, because v2.0 names no domain; compared byte by byte. */
  readonly username: string
  readonly email?: string
  readonly description?: string
  /** Made and checked by the server's password hashing; absent: no password works. */
  readonly passwordHash?: string
  /** For comparing an API key; absent: no key works. */
  readonly apiKeyDigest?: string
  /** The API key, sealed, base64url: the dialect must be able to show it to its owner. */
  readonly apiKeySealed?: string
  /** The tenant (v3: project) of a login without a scope. */
  readonly tenantId?: string
  /** The account for v2.0 authority, shown as `RAX-AUTH:domainId`; absent: the tenant's id. */
  readonly accountId?: string
  /** The v3 domain. */
  readonly domainId: string
  readonly defaultRegion?: string
  readonly grants: readonly Grant[]
  readonly enabled: boolean
  /** Absent: `NO_MFA`. */
  readonly mfa?: Mfa
}

export const IDENTITY_USERS: Collection<IdentityUser> = {
  name: 'identityUsers',
  keys: (user) => [{ name: 'username', value: user.username }],
  isValue: shaped(
    { id: 'text', username: 'text', domainId: 'text', grants: 'list', enabled: 'flag' },
    { passwordHash: 'text', apiKeyDigest: 'text', apiKeySealed: 'text', tenantId: 'text', mfa: 'members' },
  ),
  lists: (user) => [
    { name: 'domain', value: user.domainId },
    ...listed('account', accountOf(user)),
    ...listed('email', user.email),
    ...distinct([user.username, user.email]).map((name) => ({ name: 'folded', value: foldedName(name) })),
    ...distinct([user.tenantId, ...user.grants.map(({ tenantId }) => tenantId)]).map(onTenant),
    ...distinct(user.grants.map(({ domainId }) => domainId)).map((value) => ({ name: 'grantDomain', value })),
    ...distinct(user.grants.map(({ roleId }) => roleId)).map((value) => ({ name: 'role', value })),
  ],
}

function listed(name: string, value: string | undefined): { name: string; value: string }[] {
  return value === undefined ? [] : [{ name, value }]
}

function onTenant(value: string): { name: string; value: string } {
  return { name: 'tenant', value }
}

function distinct(values: readonly (string | undefined)[]): string[] {
  return [...new Set(values.filter((value) => value !== undefined))]
}

export type NewIdentityUser = Omit<
  IdentityUser,
  'apiKeyDigest' | 'apiKeySealed' | 'domainId' | 'grants' | 'mfa'
> & {
  readonly domainId?: string
  /** Names of the user's global roles. */
  readonly roles: readonly string[]
  /** Roles on one project, domain, or the system. */
  readonly grants?: readonly Grant[]
  /** In clear text; only its digest and its sealed text are stored. */
  readonly apiKey?: string
  readonly mfa?: Mfa
}

/** A user's record, with its API key digested and sealed. */
export function identityUserValue(realm: Realm, given: NewIdentityUser): IdentityUser {
  const { apiKey, roles, grants = [], ...rest } = given
  const everywhere = roles.map((name) => ({ roleId: roleIdOfName(name) }))
  const user = { ...rest, domainId: given.domainId ?? DEFAULT_DOMAIN, grants: [...everywhere, ...grants] }
  return apiKey === undefined ? user : withApiKey(realm, user, apiKey)
}

export function withApiKey(realm: Realm, user: IdentityUser, apiKey: string): IdentityUser {
  const apiKeySealed = sealText(realm, apiKeyPurpose(user), apiKey)
  return { ...user, apiKeyDigest: realm.secretDigest(apiKey), apiKeySealed }
}

export function withoutApiKey(user: IdentityUser): IdentityUser {
  const { apiKeyDigest: _digest, apiKeySealed: _sealed, ...rest } = user
  return rest
}

/** @returns undefined when the user has no API key, or it was sealed for another user or realm. */
export function unsealApiKey(realm: Realm, user: IdentityUser): string | undefined {
  if (user.apiKeySealed === undefined) return undefined
  return unsealText(realm, apiKeyPurpose(user), user.apiKeySealed)
}

function apiKeyPurpose(user: IdentityUser): SealPurpose {
  return { label: 'identity-api-key', id: user.id }
}

export function mfaOf(user: IdentityUser): Mfa {
  return user.mfa ?? NO_MFA
}

/** @returns undefined for a user without an account: only the user itself and operators govern its tokens. */
export function accountOf(user: IdentityUser): string | undefined {
  return user.accountId ?? user.tenantId
}

export async function userById(realm: Realm, id: string): Promise<IdentityUser | undefined> {
  return (await realm.directory.get(IDENTITY_USERS, id))?.value
}

export async function userEntry(realm: Realm, id: string): Promise<Entry<IdentityUser> | undefined> {
  return realm.directory.get(IDENTITY_USERS, id)
}

export async function userEntryByName(
  realm: Realm,
  username: string,
): Promise<Entry<IdentityUser> | undefined> {
  return realm.directory.find(IDENTITY_USERS, { name: 'username', value: username })
}

/**
 * The user that an unauthenticated caller names. Known users come from the cache, unknown ones need a look-up. So a
 * look-up that finds nothing is made for known users too, and timing does not tell them apart.
 */
export async function claimedUser(
  realm: Realm,
  { by, value }: { readonly by: 'id' | 'name'; readonly value: string },
): Promise<Entry<IdentityUser> | undefined> {
  const find = by === 'id' ? userEntry : userEntryByName
  const entry = await find(realm, value)
  if (entry !== undefined) await find(realm, NOBODY)
  return entry
}

/** No name and no id contains NUL. */
const NOBODY = '\0'
