import type { Ancestor, TokenFacts } from '@rescind/core'
import {
  CUTOFF_SHAPES,
  collectionKeyOf,
  cutoffKeyOf,
  digestKeyOf,
  type ExactTarget,
  handleKeyOf,
  type IndexKey,
  keysOfExact,
  type Rule,
  traitsOf,
} from '@rescind/core/log'
import { foreignIssuer } from '@rescind/core/tokens'
import { KEEP_COLLECTIONS } from './keeping.ts'
import type { Write } from './writes.ts'

/**
 * Every key under which a rule or a hold can hit these facts: what `judge` looks up, for the token and for each ancestor. A
 * store compares them with the keys of rows that this process has not folded (`rowKeys`), by equality alone: a cutoff that
 * spares the token matches, too, and costs a retry.
 */
export function dependencyKeys(digestKey: string, facts: TokenFacts): readonly IndexKey[] {
  const keys: IndexKey[] = []
  if (facts.digest !== undefined) keys.push(digestKeyOf(facts.digest))
  addKeys(keys, digestKey, facts)
  for (const up of facts.ancestors) addKeys(keys, digestKey, up)
  return keys
}

function addKeys(keys: IndexKey[], digestKey: string, one: Ancestor): void {
  const { source, handle, grant, session, keyId, foreign } = one
  const exact = (target: ExactTarget): void => {
    keys.push(...keysOfExact(digestKey, target))
  }
  if (handle !== undefined) keys.push(handleKeyOf(digestKey, source, handle))
  if (grant !== undefined) exact({ kind: 'grant', source, grant })
  if (session !== undefined) exact({ kind: 'session', source, session })
  if (keyId !== undefined) exact({ kind: 'key', keyId })
  if (foreign !== undefined) exact({ kind: 'foreign', issuer: foreignIssuer(source), jti: foreign.jti })
  for (const shape of CUTOFF_SHAPES) {
    const key = cutoffKeyOf(digestKey, shape, one)
    if (key !== undefined) keys.push(key)
  }
}

/** The keys of a row, for those who judged without it. Undefined: it concerns everything that was judged. */
export function rowKeys(digestKey: string, rule: Rule): readonly IndexKey[] | undefined {
  if (rule.kind === 'change') return [collectionKeyOf(digestKey, rule.collection)]
  if (rule.kind === 'epoch') return undefined
  const target = traitsOf(rule).hits(rule)
  if (target === undefined) return []
  if (target.kind !== 'cut') return keysOfExact(digestKey, target)
  const key = cutoffKeyOf(digestKey, target.shape, target.principals)
  return key === undefined ? undefined : [key]
}

/** What a write depends on in its own realm, besides `dependsOn`. */
export function ownDependencies(digestKey: string, write: Write): readonly IndexKey[] {
  const collections = [...collectionsOfKeeps(write), ...(write.reads?.collections ?? [])]
  const keys = collections.map((collection) => collectionKeyOf(digestKey, collection))
  for (const facts of write.unlessRevoked ?? []) keys.push(...dependencyKeys(digestKey, facts))
  return keys
}

/** The records that decide how long a write's rules are kept. */
function collectionsOfKeeps({ operations }: Write): readonly string[] {
  const isKept = operations.some(
    (operation) =>
      operation.kind === 'append' &&
      operation.row.rule.kind === 'revoke' &&
      operation.row.rule.target.kind !== 'token',
  )
  return isKept ? KEEP_COLLECTIONS : []
}
