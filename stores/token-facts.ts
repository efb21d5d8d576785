import { CHAT_SOURCES, grantOf, type TokenFacts, type TokenRecord } from '@rescind/core'

/** The last instant that a Date can represent; nothing valid ends later. */
export const INSTANT_MAX = 8_640_000_000_000_000

/** Whether a stored number is a time. */
export function isInstant(ms: number): boolean {
  return Math.abs(ms) <= INSTANT_MAX
}

/** The columns of a token, in the order in which all statements read them. */
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

/** Whether an index lists the tokens of this one's client. Only chat apps list them often enough to pay for it. */
export function listsByClient(of: Pick<TokenFacts, 'source' | 'client'>): boolean {
  return of.client !== undefined && of.source.startsWith(CHAT_SOURCES)
}
