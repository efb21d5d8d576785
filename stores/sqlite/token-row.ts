import { grantOf, type Handle, type TokenFacts, type TokenRecord, tokenDigest } from '@rescind/core'

/** The columns of a token, in the order in which every statement of ours reads them. */
export const TOKEN_COLUMNS = 'digest, handle, expires_at, extended_at, facts, sealed'

export type TokenRow = readonly [
  digest: string,
  handle: string,
  expiresAt: number,
  extendedAt: number | null,
  facts: string,
  sealed: Uint8Array | null,
]

/**
 * What never changes about a token, as JSON: everything but what has a column of its own, and but for what most tokens
 * have alike: no ancestors, and a grant that is named after their handle.
 */
export function factsText(record: TokenRecord): string {
  const { grant, ancestors } = record
  return JSON.stringify({
    ...record,
    digest: undefined,
    handle: undefined,
    expiresAtMs: undefined,
    extendedAtMs: undefined,
    sealed: undefined,
    grant: grant === grantOf(record.handle) ? undefined : grant,
    ancestors: ancestors.length === 0 ? undefined : ancestors,
  })
}

type StoredFacts = Omit<
  TokenRecord,
  'digest' | 'handle' | 'expiresAtMs' | 'extendedAtMs' | 'sealed' | 'grant' | 'ancestors'
> &
  Partial<Pick<TokenRecord, 'grant' | 'ancestors'>>

/** Written by `factsText` alone; hence the cast. */
export function sourceIn(facts: string): string {
  return (JSON.parse(facts) as StoredFacts).source
}

/** Written by `factsText` alone; hence the cast. */
export function recordOfRow([
  digest,
  handle,
  expiresAtMs,
  extendedAtMs,
  facts,
  sealed,
]: TokenRow): TokenRecord {
  const { grant = grantOf(handle as Handle), ancestors = [], ...rest } = JSON.parse(facts) as StoredFacts
  return {
    ...rest,
    grant,
    ancestors,
    digest: tokenDigest(digest),
    handle: handle as Handle,
    expiresAtMs,
    ...(extendedAtMs === null ? {} : { extendedAtMs }),
    ...(sealed === null ? {} : { sealed }),
  }
}

/**
 * The text by which tokens of one client are listed; only chat apps list them so often that an index pays for itself.
 * Sources hold no NUL, so no two pairs share one.
 */
export function clientKey(of: Pick<TokenFacts, 'source' | 'client'>): string | undefined {
  return of.client === undefined || !of.source.startsWith('chat/') ? undefined : `${of.source}\0${of.client}`
}
