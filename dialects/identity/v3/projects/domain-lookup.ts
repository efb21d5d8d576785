import type { Entry, Expectation, Realm } from '@rescind/authority'
import { domainAt, IDENTITY_DOMAINS, type IdentityDomain } from '../../directory/domains.ts'
import { DEFAULT_DOMAIN } from '../../directory/names.ts'
import { IDENTITY_TENANTS } from '../../directory/tenants.ts'
import { IDENTITY_USERS } from '../../directory/users.ts'

/**
 * A domain that exists: recorded, the default one, or named by a user or project of the seed file. A deleted one does
 * not exist, even if still named. `version` 0 means that it has no record.
 */
export async function domainEntry(realm: Realm, id: string): Promise<Entry<IdentityDomain> | undefined> {
  const entry = await realm.directory.get(IDENTITY_DOMAINS, id)
  if (entry !== undefined) return entry
  const { domain, version } = await domainAt(realm, id)
  if (version > 0 || !(id === DEFAULT_DOMAIN || (await isNamed(realm, id)))) return undefined
  return { id, version, value: domain }
}

/** Fails the write if the domain was deleted or changed meanwhile. */
export function unchanged({ id, version }: Entry<IdentityDomain>): Expectation {
  return { collection: IDENTITY_DOMAINS.name, id, version }
}

async function isNamed(realm: Realm, id: string): Promise<boolean> {
  const ask = { listed: { name: 'domain', value: id }, after: undefined, limit: 1 }
  const users = await realm.directory.page(IDENTITY_USERS, ask)
  const projects = users.entries.length > 0 ? users : await realm.directory.page(IDENTITY_TENANTS, ask)
  return projects.entries.length > 0
}
