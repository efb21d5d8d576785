import type { TokenIntent } from '@rescind/authority'
import { ancestorsFrom, delegationOf, type TokenRecord } from '@rescind/core'
import { defined } from '@rescind/core/bytes'
import type { Mint } from './mint.ts'

/**
 * The grant and ancestors of a token made from another one. It stays in the parent's grant. With chain revocation it
 * ends with its parent; in any case it ends with the parent's ancestors, such as an impersonator's token.
 */
export function descent(parent: TokenRecord, isChained: boolean): Pick<TokenIntent, 'grant' | 'ancestors'> {
  const ancestors = isChained ? ancestorsFrom([parent]) : parent.ancestors
  return { grant: parent.grant, ancestors }
}

/**
 * A token for the same user as its parent: same proof, same impersonator, same limits. It expires with the parent at
 * the latest, so that no chain of logins outlives the first one (CVE-2012-5563).
 */
export function rescoped(
  parent: TokenRecord,
  isChained: boolean,
): Pick<Mint, 'client' | 'authenticatedBy' | 'family' | 'claims' | 'restsOn' | 'delegated' | 'mintedBy'> & {
  readonly expiresAtMs: number
} {
  const impersonator = parent.claims?.['impersonator']
  const delegated = delegationOf(parent)
  return {
    client: parent.client ?? '',
    authenticatedBy: parent.authenticatedBy ?? [],
    expiresAtMs: parent.expiresAtMs,
    family: descent(parent, isChained),
    claims: { chain: chainOf(parent), ...defined({ impersonator }) },
    restsOn: parent,
    ...defined({ delegated, mintedBy: parent.mintedBy }),
  }
}

/** The first token of a chain, for `audit_ids`. Nothing is decided by it. */
function chainOf({ claims, handle }: TokenRecord): string {
  const chain = claims?.['chain']
  return typeof chain === 'string' ? chain : handle
}
