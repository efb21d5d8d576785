import { defined } from '../bytes/defined.ts'
import type { Handle } from '../ids.ts'
import type { Ancestor, TokenFacts, TokenRecord } from '../records.ts'

/**
 * What descendants of a token carry of it: every id that a rule or a hold can name, so that what ends the token ends
 * them. The only place where an ancestor is made; a member that is missing here is a way to survive.
 */
export function ancestorOf(facts: TokenFacts): Ancestor {
  const { source, subject, client, tenant, handle, grant, session, keyId, foreign } = facts
  const { position, issuedAtMs, expiresAtMs } = facts
  const ids = { source, subject, client, tenant, handle, grant, session, keyId, foreign }
  return defined({ ...ids, position, issuedAtMs, expiresAtMs })
}

/** The ancestors of what is made from these tokens: themselves, then what they came of; nearest first, each once. */
export function ancestorsFrom(parents: readonly TokenFacts[]): readonly Ancestor[] {
  const all = [...parents.map(ancestorOf), ...parents.flatMap(({ ancestors }) => ancestors)]
  const seen = new Set<string>()
  return all.filter((one) => {
    const name = JSON.stringify([one.source, one.handle, one.foreign?.jti])
    return !seen.has(name) && seen.add(name)
  })
}

/**
 * Whether an entry has all that rules can name. Every token of ours has a grant; entries that were written before
 * ancestors carried grants and sessions lack it, and nobody can tell from them alone what would end them.
 */
export function isWhole({ grant, foreign }: Ancestor): boolean {
  return grant !== undefined || foreign !== undefined
}

/** Whether every entry of a record has all that rules can name, as those of newer records do. */
export function isWholeRecord({ ancestors }: Pick<TokenRecord, 'ancestors'>): boolean {
  return ancestors.every(isWhole)
}

/**
 * A record whose older entries are filled in from the records of the ancestors themselves. One whose record is gone
 * stays as it is, and `judge` calls nothing active that has such an entry: a descendant expires no later than its
 * ancestors, whose records stay until they have expired.
 */
export async function withWholeAncestors(
  record: TokenRecord,
  read: (handle: Handle) => Promise<TokenRecord | undefined>,
): Promise<TokenRecord> {
  if (isWholeRecord(record)) return record
  const ancestors: Ancestor[] = []
  for (const one of record.ancestors) {
    const own = isWhole(one) || one.handle === undefined ? undefined : await read(one.handle)
    ancestors.push(own === undefined ? one : ancestorOf(own))
  }
  return { ...record, ancestors }
}
