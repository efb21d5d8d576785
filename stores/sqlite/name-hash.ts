import { type NamedFacts, namesOfToken, type TokenName } from '@rescind/authority/names'
import { type RealmOrdinal } from '@rescind/core'

/**
 * 32 bits of a name in a realm. Nothing stores them, so the seed is drawn anew at each opening, and whoever chooses names
 * cannot choose hashes.
 */
export function hashOfName(seed: number, realm: RealmOrdinal, name: TokenName): number {
  let hash = Math.imul(seed ^ realm, MULTIPLIER)
  for (let at = 0; at < name.length; at += 1) {
    hash = Math.imul(hash ^ name.charCodeAt(at), MULTIPLIER)
    hash ^= hash >>> 15
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}

const MULTIPLIER = 0x9e3779b1

export function hashesOfToken(seed: number, realm: RealmOrdinal, facts: NamedFacts): number[] {
  const hashes: number[] = []
  for (const name of namesOfToken(facts)) hashes.push(hashOfName(seed, realm, name))
  return hashes
}
