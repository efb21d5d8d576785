import { APP_CREDENTIAL } from '@rescind/core'
import { LIMITED_CLIENT } from '@rescind/core/tokens'

/** The source of every token, subject and tenant of this dialect. */
export const IDENTITY = 'identity'

/** The v3 domain of whatever names no other; it is there without a record. */
export const DEFAULT_DOMAIN = 'default'

/**
 * What a token that is scoped to a whole domain, or to the system, bears as its tenant, so that cutoffs reach it.
 * No project may have an id of this form.
 */
export function domainScope(domainId: string): string {
  return `domain:${domainId}`
}
export const SYSTEM_SCOPE = 'system:all'

/** @returns the domain of a domain-scoped token's tenant. */
export function domainOfScope(tenant: string | undefined): string | undefined {
  return tenant?.startsWith('domain:') ? tenant.slice('domain:'.length) : undefined
}

/** Whether text may be the id of a project: ids that mean a domain or the system may not. */
export function isProjectId(id: string): boolean {
  return !id.startsWith('domain:') && !id.startsWith('system:')
}

/**
 * What an Identity token bears as its client. It has no application; the client tells by what kind of proof it was
 * made, so that one cutoff ends just those that a raised demand no longer admits. A rescoped token has its parent's.
 */
export const PROOF: Readonly<Record<'single' | 'multi' | 'setupMfa', string>> = {
  /** A password, an API key. */
  single: 'single-factor',
  multi: 'multi-factor',
  /** Good for setting up multi-factor authentication, and for nothing else. */
  setupMfa: LIMITED_CLIENT.setupMfa,
}

/** The client of tokens that an application credential made: its end is theirs. */
export function appCredentialClient(id: string): string {
  return APP_CREDENTIAL + id
}

/** @returns the application credential that a token with this client was made with. */
export function appCredentialOf(client: string | undefined): string | undefined {
  return client?.startsWith(APP_CREDENTIAL) ? client.slice(APP_CREDENTIAL.length) : undefined
}

/** One text of several, for a unique key over more than one member. */
export function jointKey(...parts: readonly string[]): string {
  return JSON.stringify(parts)
}
