import { type Collection, type Entry, type Realm, shaped } from '@rescind/authority'
import { DEFAULT_DOMAIN, jointKey } from './names.ts'

/** A tenant of v2.0, which is a project of v3. */
export type IdentityTenant = {
  readonly id: string
  /** Unique in its domain. */
  readonly name: string
  readonly enabled: boolean
  readonly description?: string
  readonly displayName?: string
  /** Absent: the default domain. */
  readonly domainId?: string
}

export const IDENTITY_TENANTS: Collection<IdentityTenant> = {
  name: 'identityTenants',
  keys: (tenant) => [nameKey(domainOfTenant(tenant), tenant.name)],
  isValue: shaped({ id: 'text', name: 'text', enabled: 'flag' }, { domainId: 'text' }),
  lists: (tenant) => [{ name: 'domain', value: domainOfTenant(tenant) }],
}

export type NewIdentityTenant = Omit<IdentityTenant, 'enabled'> & { readonly enabled?: boolean }

export function identityTenantValue(given: NewIdentityTenant): IdentityTenant {
  return { ...given, enabled: given.enabled ?? true }
}

export function domainOfTenant(tenant: IdentityTenant): string {
  return tenant.domainId ?? DEFAULT_DOMAIN
}

/**
 * A tenant named by a user or a token. One that was never recorded is named by its id, so that a user can have an
 * account number without a record. A deleted one counts as disabled.
 */
export async function tenantById(realm: Realm, id: string): Promise<IdentityTenant> {
  const entry = await realm.directory.get(IDENTITY_TENANTS, id)
  return entry?.value ?? (await tenantAt(realm, id)).tenant
}

export type TenantState = {
  readonly tenant: IdentityTenant
  /** The version that a dependent write expects. */
  readonly version: number
  readonly isDeleted: boolean
}

/** As `tenantById`, with the state of its record. */
export async function tenantAt(realm: Realm, id: string): Promise<TenantState> {
  const entry = await realm.directory.get(IDENTITY_TENANTS, id)
  if (entry !== undefined) return { tenant: entry.value, version: entry.version, isDeleted: false }
  const { version } = await realm.directory.state(IDENTITY_TENANTS, id)
  const isDeleted = version > 0
  return { tenant: { id, name: id, enabled: !isDeleted }, version, isDeleted }
}

/** @returns undefined for one that was never recorded or was deleted. */
export async function tenantEntry(realm: Realm, id: string): Promise<Entry<IdentityTenant> | undefined> {
  return realm.directory.get(IDENTITY_TENANTS, id)
}

export async function tenantEntryByName(
  realm: Realm,
  domainId: string,
  name: string,
): Promise<Entry<IdentityTenant> | undefined> {
  return realm.directory.find(IDENTITY_TENANTS, nameKey(domainId, name))
}

function nameKey(domainId: string, name: string): { name: string; value: string } {
  return { name: 'name', value: jointKey(domainId, name) }
}
