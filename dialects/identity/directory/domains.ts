import { type Collection, type Realm, shaped } from '@rescind/authority'
import { type Awaitable, after } from '@rescind/core'
import { DEFAULT_DOMAIN } from './names.ts'
import type { MfaEnforcement } from './users.ts'

/** A domain of v3: what users and projects are named in. */
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
 * A domain that a user, project or token names. One that was never recorded is there, named by its id (`default` is
 * `Default`, as clients expect); one that was deleted counts as disabled.
 */
export function domainAt(
  realm: Realm,
  id: string,
): Awaitable<{ readonly domain: IdentityDomain; readonly version: number }> {
  return after(realm.directory.get(IDENTITY_DOMAINS, id), (entry) => {
    if (entry !== undefined) return { domain: entry.value, version: entry.version }
    return after(realm.directory.standing(IDENTITY_DOMAINS, id), ({ version }) => {
      const name = id === DEFAULT_DOMAIN ? DEFAULT_DOMAIN_NAME : id
      return { domain: { id, name, enabled: version === 0 }, version }
    })
  })
}

const DEFAULT_DOMAIN_NAME = 'Default'

/** By name; `Default` and never recorded ids are found too. */
export function domainByName(realm: Realm, name: string): Awaitable<IdentityDomain | undefined> {
  return after(realm.directory.find(IDENTITY_DOMAINS, { name: 'name', value: name }), (entry) => {
    if (entry !== undefined) return entry.value
    if (name !== DEFAULT_DOMAIN_NAME) return undefined
    return after(domainAt(realm, DEFAULT_DOMAIN), ({ domain, version }) =>
      version === 0 ? domain : undefined,
    )
  })
}

/** What holds for a whole v2.0 account (`RAX-AUTH:domainId`). */
export type IdentityAccount = { readonly id: string; readonly mfaEnforcement: AccountMfaEnforcement }
export type AccountMfaEnforcement = 'OPTIONAL' | 'REQUIRED' | 'RACKSPACE_MANDATED'

export const IDENTITY_ACCOUNTS: Collection<IdentityAccount> = {
  name: 'identityAccounts',
  keys: () => [],
}

export function accountAt(
  realm: Realm,
  id: string,
): Awaitable<{ readonly account: IdentityAccount; readonly version: number }> {
  return after(realm.directory.get(IDENTITY_ACCOUNTS, id), (entry) => {
    if (entry !== undefined) return { account: entry.value, version: entry.version }
    return after(realm.directory.standing(IDENTITY_ACCOUNTS, id), ({ version }) => {
      return { account: { id, mfaEnforcement: 'OPTIONAL' as const }, version }
    })
  })
}

/** Whether single-factor tokens are out: the user's own word counts before the account's, unless that is mandated. */
export function demandsMfa(own: MfaEnforcement, account: AccountMfaEnforcement): boolean {
  if (account === 'RACKSPACE_MANDATED' || own === 'REQUIRED') return true
  return own === 'DEFAULT' && account === 'REQUIRED'
}
