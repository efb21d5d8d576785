import { type Handle, type TokenFacts, type TokenRecord, tokenDigest } from '@rescind/core'

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

/** What never changes about a token, as JSON: everything but what has a column of its own. */
export function factsText(record: TokenRecord): string {
  const {
    digest: _digest,
    handle: _handle,
    expiresAtMs: _expires,
    extendedAtMs: _extended,
    sealed: _sealed,
    ...facts
  } = record
  return JSON.stringify(facts)
}

type StoredFacts = Omit<TokenRecord, 'digest' | 'handle' | 'expiresAtMs' | 'extendedAtMs' | 'sealed'>

/** Written by `factsText` alone; hence the cast. */
export function recordOfRow([
  digest,
  handle,
  expiresAtMs,
  extendedAtMs,
  facts,
  sealed,
]: TokenRow): TokenRecord {
  return {
    ...(JSON.parse(facts) as StoredFacts),
    digest: tokenDigest(digest),
    handle: handle as Handle,
    expiresAtMs,
    ...(extendedAtMs === null ? {} : { extendedAtMs }),
    ...(sealed === null ? {} : { sealed }),
  }
}

/** The text by which tokens of one client are listed. Sources hold no NUL, so no two pairs share one. */
export function clientKey(of: Pick<TokenFacts, 'source' | 'client'>): string | undefined {
  return of.client === undefined ? undefined : `${of.source}\0${of.client}`
}
