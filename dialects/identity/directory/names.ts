import { APP_CREDENTIAL } from '@rescind/core'
import { LIMITED_CLIENT } from '@rescind/core/tokens'

/** The source of every token, subject and tenant of this dialect. */
export const IDENTITY = 'identity'

/** The v3 domain of records that name none. It needs no record. */
export const DEFAULT_DOMAIN = 'default'

/**
 * The tenant of a token that is scoped to a whole domain or to the system, so that cutoffs reach it. No project may
 * have such an id.
 */
export function domainScope(domainId: string): string {
  return `domain:${domainId}`
}
export const SYSTEM_SCOPE = 'system:all'

/** @returns the domain in a domain-scoped token's tenant. */
export function domainOfScope(tenant: string | undefined): string | undefined {
  return tenant?.startsWith('domain:') ? tenant.slice('domain:'.length) : undefined
}

/** Whether text may be a project's id. Ids in the form of a domain or system scope may not. */
export function isProjectId(id: string): boolean {
  return !id.startsWith('domain:') && !id.startsWith('system:')
}

/**
 * The client of an Identity token. It has no application; the client says how it was proved, so that one cutoff ends
 * exactly the tokens that a raised requirement no longer admits. A rescoped token has its parent's client.
 */
export const PROOF: Readonly<Record<'single' | 'multi' | 'setupMfa', string>> = {
  /** A password or an API key. */
  single: 'single-factor',
  multi: 'multi-factor',
  /** Only for setting up multi-factor authentication. */
  setupMfa: LIMITED_CLIENT.setupMfa,
}

/** The client of tokens that an application credential made. A cutoff of this client ends them. */
export function appCredentialClient(id: string): string {
  return APP_CREDENTIAL + id
}

/** @returns the application credential that made a token with this client. */
export function appCredentialOf(client: string | undefined): string | undefined {
  return client?.startsWith(APP_CREDENTIAL) ? client.slice(APP_CREDENTIAL.length) : undefined
}

/** Joins several members into one text, for a unique key. */
export function jointKey(...parts: readonly string[]): string {
  return JSON.stringify(parts)
}
