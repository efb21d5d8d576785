import type { TokenIntent } from '@rescind/authority'
import { ancestorsFrom, delegationOf, type TokenRecord } from '@rescind/core'
import { defined } from '@rescind/core/bytes'
import type { Mint } from './mint.ts'

/**
 * What a token takes over from the one that it is made from. It stays in its family; it ends with it only if chain
 * revocation is on when it is made, and in any case with what the older one ends with (an impersonator's token, say).
 */
export function descent(parent: TokenRecord, isChained: boolean): Pick<TokenIntent, 'grant' | 'ancestors'> {
  const ancestors = isChained ? ancestorsFrom([parent]) : parent.ancestors
  return { grant: parent.grant, ancestors }
}

/**
 * A token that stands for the same user as the one it is made from: the same proof, the same one behind it, the same limits, and the
 * older one's end at the latest, so that no chain of logins outlives the first (CVE-2012-5563).
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

/** The first token of a chain, as `audit_ids` name it; it decides nothing. */
function chainOf({ claims, handle }: TokenRecord): string {
  const chain = claims?.['chain']
  return typeof chain === 'string' ? chain : handle
}
