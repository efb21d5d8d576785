import { CHAT_SOURCES, grantOf, type TokenFacts, type TokenRecord } from '@rescind/core'
import { exact } from './exact.ts'

/** The columns of a token, in the order in which all statements read them. */
export const TOKEN_COLUMNS: string = `digest, handle, ${exact('expires_at')}, ${exact('extended_at')}, facts, sealed`

export type TokenRow = readonly [
  digest: string,
  handle: string,
  expiresAt: number,
  extendedAt: number | null,
  facts: string,
  sealed: Uint8Array | null,
]

/**
 * The facts of a token that never change, as JSON. It leaves out what has its own column, and what is the same for most
 * tokens: no ancestors, and a grant named after the handle.
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

export type StoredFacts = Omit<
  TokenRecord,
  'digest' | 'handle' | 'expiresAtMs' | 'extendedAtMs' | 'sealed' | 'grant' | 'ancestors'
> &
  Partial<Pick<TokenRecord, 'grant' | 'ancestors'>>

/** The source in facts that this process wrote or that were readable before an extension; hence the cast. */
export function sourceIn(facts: string): string {
  return (JSON.parse(facts) as StoredFacts).source
}

/**
 * The key by which the tokens of one client are listed. Only chat apps list them often enough to pay for an index. Sources
 * hold no NUL, so different pairs never share a key.
 */
export function clientKey(of: Pick<TokenFacts, 'source' | 'client'>): string | undefined {
  return of.client === undefined || !of.source.startsWith(CHAT_SOURCES)
    ? undefined
    : `${of.source}\0${of.client}`
}
