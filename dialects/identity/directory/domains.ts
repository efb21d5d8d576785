import { type Collection, type Realm, shaped } from '@rescind/authority'
import { DEFAULT_DOMAIN } from './names.ts'
import type { MfaEnforcement } from './users.ts'

/** A v3 domain: the namespace of users and projects. */
export type IdentityDomain = {
  readonly id: string
  readonly name: string
  readonly enabled: boolean
  readonly description?: string
}

export const IDENTITY_DOMAINS: Collection<IdentityDomain> = {
  name: 'identityDomains',
  keys: (domain) => [{ name: 'name', value: domain.name }],
  isValue: shaped({ id: 'text', name: 'text', enabled: 'flag' }),
}

/**
 * A domain named by a user, project or token. One that was never recorded exists under its id (`default` is named
 * `Default`, as clients expect). A deleted one counts as disabled.
 */
export async function domainAt(
  realm: Realm,
  id: string,
): Promise<{ readonly domain: IdentityDomain; readonly version: number }> {
  const entry = await realm.directory.get(IDENTITY_DOMAINS, id)
  if (entry !== undefined) return { domain: entry.value, version: entry.version }
  const { version } = await realm.directory.state(IDENTITY_DOMAINS, id)
  const name = id === DEFAULT_DOMAIN ? DEFAULT_DOMAIN_NAME : id
  return { domain: { id, name, enabled: version === 0 }, version }
}

const DEFAULT_DOMAIN_NAME = 'Default'

/** Finds recorded domains and `Default` by name. */
export async function domainByName(realm: Realm, name: string): Promise<IdentityDomain | undefined> {
  const entry = await realm.directory.find(IDENTITY_DOMAINS, { name: 'name', value: name })
  if (entry !== undefined) return entry.value
  if (name !== DEFAULT_DOMAIN_NAME) return undefined
  const { domain, version } = await domainAt(realm, DEFAULT_DOMAIN)
  return version === 0 ? domain : undefined
}

/** Settings of a whole v2.0 account (`RAX-AUTH:domainId`). */
export type IdentityAccount = { readonly id: string; readonly mfaEnforcement: AccountMfaEnforcement }
export type AccountMfaEnforcement = 'OPTIONAL' | 'REQUIRED' | 'RACKSPACE_MANDATED'

export const IDENTITY_ACCOUNTS: Collection<IdentityAccount> = {
  name: 'identityAccounts',
  keys: () => [],
}

export async function accountAt(
  realm: Realm,
  id: string,
): Promise<{ readonly account: IdentityAccount; readonly version: number }> {
  const entry = await realm.directory.get(IDENTITY_ACCOUNTS, id)
  if (entry !== undefined) return { account: entry.value, version: entry.version }
  const { version } = await realm.directory.state(IDENTITY_ACCOUNTS, id)
  return { account: { id, mfaEnforcement: 'OPTIONAL' }, version }
}

/** Whether MFA is required: the user's own setting takes precedence over the account's, unless that is mandated. */
export function demandsMfa(own: MfaEnforcement, account: AccountMfaEnforcement): boolean {
  if (account === 'RACKSPACE_MANDATED' || own === 'REQUIRED') return true
  return own === 'DEFAULT' && account === 'REQUIRED'
}
