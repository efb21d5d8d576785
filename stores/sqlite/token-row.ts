import type { TokenFacts } from '@rescind/core'
import { listsByClient, type StoredFacts } from '../token-facts.ts'
import { exact } from './exact.ts'

/** The columns of a `TokenRow`. */
export const TOKEN_COLUMNS: string = `digest, handle, ${exact('expires_at')}, ${exact('extended_at')}, facts, sealed`

/** The source in facts that this process wrote or that were readable before an extension; hence the cast. */
export function sourceIn(facts: string): string {
  return (JSON.parse(facts) as StoredFacts).source
}

/**
 * The key by which the tokens of one client are listed. Sources hold no NUL, so different pairs never share a key.
 */
export function clientKey(of: Pick<TokenFacts, 'source' | 'client'>): string | undefined {
  return listsByClient(of) ? `${of.source}\0${of.client}` : undefined
}
