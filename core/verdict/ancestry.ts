import { defined } from '../bytes/defined.ts'
import type { Handle } from '../ids.ts'
import type { Ancestor, TokenFacts, TokenRecord } from '../records.ts'

/**
 * What descendants carry of a token: every id that a rule or a hold can name, so that whatever ends the token ends them.
 * The only place where an ancestor is made; a missing member would let descendants survive.
 */
export function ancestorOf(facts: TokenFacts): Ancestor {
  const { source, subject, client, tenant, handle, grant, session, keyId, foreign } = facts
  const { position, issuedAtMs, expiresAtMs } = facts
  const ids = { source, subject, client, tenant, handle, grant, session, keyId, foreign }
  return defined({ ...ids, position, issuedAtMs, expiresAtMs })
}

/** The ancestors of a token made from `parents`: the parents, then their ancestors; nearest first, each once. */
export function ancestorsFrom(parents: readonly TokenFacts[]): readonly Ancestor[] {
  const all = [...parents.map(ancestorOf), ...parents.flatMap(({ ancestors }) => ancestors)]
  const seen = new Set<string>()
  return all.filter((one) => {
    const name = JSON.stringify([one.source, one.handle, one.foreign?.jti])
    return !seen.has(name) && seen.add(name)
  })
}

/**
 * Whether an entry has every id that rules can name. Each token of ours has a grant; entries from before ancestors carried
 * grants and sessions lack it, and nothing in them shows what would end them.
 */
export function isWhole({ grant, foreign }: Ancestor): boolean {
  return grant !== undefined || foreign !== undefined
}

/** Whether every ancestor in a record is whole. */
export function isWholeRecord({ ancestors }: Pick<TokenRecord, 'ancestors'>): boolean {
  return ancestors.every(isWhole)
}

/**
 * Completes a record's older entries from the records of the ancestors. An entry whose record is gone stays as it is, and
 * `judge` calls no token active that has one. In practice the record is there: a descendant expires no later than its
 * ancestors, and their records stay until they have expired.
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
