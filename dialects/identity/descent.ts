import type { Ancestor, TokenIntent, TokenRecord } from '@rescind/core'

/**
 * What a token takes over from the one that it is made from. It stays in its family; it ends with it only if chain
 * revocation is on when it is made, and in any case with what the older one ends with (an impersonator's token, say).
 */
export function descent(parent: TokenRecord, isChained: boolean): Pick<TokenIntent, 'grant' | 'ancestors'> {
  const ancestors = isChained ? [ancestorOf(parent), ...parent.ancestors] : parent.ancestors
  return { grant: parent.grant, ancestors }
}

/** The first token of a chain, as `audit_ids` name it; it decides nothing. */
export function chainOf({ claims, handle }: TokenRecord): string {
  const chain = claims?.['chain']
  return typeof chain === 'string' ? chain : handle
}

function ancestorOf(record: TokenRecord): Ancestor {
  const { handle, source, subject, client, tenant, position, issuedAtMs, expiresAtMs } = record
  return {
    handle,
    source,
    ...(subject === undefined ? {} : { subject }),
    ...(client === undefined ? {} : { client }),
    ...(tenant === undefined ? {} : { tenant }),
    position,
    issuedAtMs,
    expiresAtMs,
  }
}
