import type { Source } from '../records.ts'

/** How the source of every registered issuer begins. It is stored, hashed and sent, so it stays. */
const FOREIGN = 'iss:'

/** The source of an issuer's tokens. */
export function foreignSource(issuer: string): Source {
  return FOREIGN + issuer
}

export function isForeignSource(source: Source): boolean {
  return source.startsWith(FOREIGN)
}

/** The issuer behind a foreign source; ask only about such. */
export function foreignIssuer(source: Source): string {
  return source.slice(FOREIGN.length)
}
