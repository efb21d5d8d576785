import type { DatabaseSync } from 'node:sqlite'
import { realmOrdinal } from '@rescind/core'
import type { StoredFacts } from '../token-facts.ts'
import { exact } from './exact.ts'
import { hashesOfToken } from './name-hash.ts'

/** A request to the reader thread: the hashes of the names of tokens in rows after one and up to another. */
export type NamesAsk = {
  readonly kind: 'names'
  readonly after: number
  readonly through: number
  readonly limit: number
  readonly seed: number
}

/** `counts`: how many of the hashes are of each row. */
export type NamesRead = {
  readonly rows: Float64Array
  readonly counts: Uint8Array
  readonly hashes: Uint32Array
}

type NamesRow = readonly [id: number, realm: number, handle: string, facts: string]

/** Reads the next tokens. Unreadable ones are in no list, so they have no names. */
export function readNames(db: DatabaseSync, ask: NamesAsk): NamesRead {
  const statement = db.prepare(`SELECT id, ${exact('realm')}, handle, facts FROM token
    WHERE id > ? AND id <= ? ORDER BY id LIMIT ?`)
  statement.setReturnArrays(true)
  // node:sqlite types every row as an object; these are arrays of the columns.
  const found = statement.all(ask.after, ask.through, ask.limit) as unknown as readonly NamesRow[]
  const each = found.map((row) => hashesOfRow(ask.seed, row))
  return {
    rows: Float64Array.from(found, ([id]) => id),
    counts: Uint8Array.from(each, ({ length }) => length),
    hashes: Uint32Array.from(each.flat()),
  }
}

function hashesOfRow(seed: number, [, realm, handle, text]: NamesRow): readonly number[] {
  try {
    // `factsText` wrote it, or it is damaged; the handle is compared with the grant alone.
    const facts = { ...(JSON.parse(text) as StoredFacts), handle: handle as never }
    return hashesOfToken(seed, realmOrdinal(realm), facts)
  } catch {
    return []
  }
}
