import type { Collection, Entry, RecordState } from '@rescind/authority'
import { IDENTITY_APP_CREDENTIALS, type IdentityAppCredential } from './app-credentials.ts'
import {
  IDENTITY_ENDPOINTS,
  IDENTITY_SERVICES,
  type IdentityEndpoint,
  type IdentityService,
} from './catalog.ts'
import { IDENTITY_ACCOUNTS, IDENTITY_DOMAINS, type IdentityAccount, type IdentityDomain } from './domains.ts'
import { IDENTITY_ROLES, type IdentityRole } from './roles.ts'
import { IDENTITY_TENANTS, type IdentityTenant } from './tenants.ts'
import { IDENTITY_USERS, type IdentityUser } from './users.ts'

/** Every kind of record in the Identity directory. */
export type Kinds = {
  readonly user: IdentityUser
  readonly tenant: IdentityTenant
  readonly domain: IdentityDomain
  readonly account: IdentityAccount
  readonly role: IdentityRole
  readonly appCredential: IdentityAppCredential
  readonly service: IdentityService
  readonly endpoint: IdentityEndpoint
}
export type Kind = keyof Kinds

export const COLLECTIONS: { readonly [K in Kind]: Collection<Kinds[K]> } = {
  user: IDENTITY_USERS,
  tenant: IDENTITY_TENANTS,
  domain: IDENTITY_DOMAINS,
  account: IDENTITY_ACCOUNTS,
  role: IDENTITY_ROLES,
  appCredential: IDENTITY_APP_CREDENTIALS,
  service: IDENTITY_SERVICES,
  endpoint: IDENTITY_ENDPOINTS,
}

/** One record before and after a change. No `before`: it is created. No `after`: it is deleted. */
export type ChangeOf<K extends Kind> = {
  readonly of: K
  readonly id: string
  readonly fromVersion: number
  readonly before: Kinds[K] | undefined
  readonly after: Kinds[K] | undefined
}
export type Change = { [K in Kind]: ChangeOf<K> }[Kind]

/** The update of a record that was read. */
export function updated<K extends Kind>(of: K, entry: Entry<Kinds[K]>, after: Kinds[K]): ChangeOf<K> {
  return { of, id: entry.id, fromVersion: entry.version, before: entry.value, after }
}

/** A new record. `version` is that of the tombstone under its id, 0 if there never was a record. */
export function created<K extends Kind>(
  of: K,
  id: string,
  { after, version = 0 }: { readonly after: Kinds[K]; readonly version?: number },
): ChangeOf<K> {
  return { of, id, fromVersion: version, before: undefined, after }
}

/** Creates the record, or replaces it. */
export function put<K extends Kind>(
  of: K,
  id: string,
  { state, after }: { readonly state: RecordState<Kinds[K]>; readonly after: Kinds[K] },
): ChangeOf<K> {
  return { of, id, fromVersion: state.version, before: state.entry?.value, after }
}

export function deleted<K extends Kind>(of: K, entry: Entry<Kinds[K]>): ChangeOf<K> {
  return { of, id: entry.id, fromVersion: entry.version, before: entry.value, after: undefined }
}
