import type { DatabaseSync } from 'node:sqlite'
import { beginnerOf, type RealmOrdinal, type TokenIds, type TokensSought } from '@rescind/core'
import type { TokenRow } from '../token-facts.ts'
import { ROW_MAX } from './exact.ts'
import { boundedRows } from './page.ts'
import { TOKEN_COLUMNS } from './token-row.ts'

/** A request to the reader thread: tokens of a realm after a row whose stored text may match. */
export type WalkAsk = {
  readonly kind: 'walk'
  readonly realm: RealmOrdinal
  readonly after: number
  readonly limit: number
  /** A condition over the columns of a token, and its values. */
  readonly where: string
  readonly values: readonly string[]
}

export type WalkedRow = readonly [...TokenRow, id: number]
/** `next`: the last row examined; undefined at the end of the table. */
export type Walked = { readonly rows: readonly WalkedRow[]; readonly next: number | undefined }

/** Row numbers, of all realms, that one read transaction covers. */
const ROWS_PER_READ = 1_000
/** Maximum reads per request, fewer once this time has passed, because short requests wait behind it. */
const READS_MAX = 16
const WALK_MS = 4

/**
 * Searches the tokens after a row, in the reader thread. No index covers their ids, so rows that cannot match are dropped here
 * by their stored text, and the main thread does not have to parse them.
 */
export function walkTokens(db: DatabaseSync, ask: WalkAsk): Walked {
  const following = db.prepare(`SELECT min(id) FROM token WHERE id > ? AND id <= ${ROW_MAX}`)
  following.setReturnArrays(true)
  const fitting = db.prepare(`SELECT ${TOKEN_COLUMNS}, id FROM token
    WHERE id BETWEEN ? AND ? AND realm = ? AND ${ask.where} ORDER BY id LIMIT ?`)
  fitting.setReturnArrays(true)
  const rows: WalkedRow[] = []
  const untilMs = performance.now() + WALK_MS
  let { after } = ask
  for (let reads = 0; reads < READS_MAX && performance.now() < untilMs; reads += 1) {
    const [first] = following.get(after) as unknown as [number | null]
    if (first === null) return { rows, next: undefined }
    const last = first + ROWS_PER_READ - 1
    const found = fitting.all(first, last, ask.realm, ...ask.values, ask.limit - rows.length)
    // node:sqlite types every row as an object; these are arrays of the columns.
    rows.push(...(found as unknown as WalkedRow[]))
    const page = boundedRows(rows, ask.limit)
    if (page.more || rows.length === ask.limit) return { rows: page.rows, next: page.rows.at(-1)?.[6] }
    after = last
  }
  return { rows, next: after }
}

/**
 * A condition that the stored text of every matching token meets. Others may meet it too, because a claim or an ancestor may
 * hold the same words.
 */
export function walkOf(realm: RealmOrdinal, { after, limit, oneOf, ...ids }: Sought): WalkAsk {
  const values: string[] = []
  const all = bearing(ids, values)
  const some = oneOf?.map((one) => bearing(one, values))
  const where =
    some === undefined ? all : `${all} AND (instr(facts, '"ancestors":[') OR ${some.join(' OR ') || 'FALSE'})`
  return { kind: 'walk', realm, after: after ?? 0, limit, where, values }
}

type Sought = TokensSought & { readonly after: number | undefined; readonly limit: number }

/** Conditions for members in the form that `factsText` writes. */
function bearing({ grant, handle, ...members }: TokenIds, values: string[]): string {
  const conditions: string[] = []
  const holds = (name: string, value: string): string => {
    values.push(`${JSON.stringify(name)}:${JSON.stringify(value)}`)
    return 'instr(facts, ?)'
  }
  for (const [name, value] of Object.entries(members)) {
    if (value !== undefined) conditions.push(holds(name, value))
  }
  if (handle !== undefined) {
    values.push(handle)
    conditions.push('handle = ?')
  }
  if (grant !== undefined) {
    // The grant of the token that began it is named after its handle, and not stored.
    const named = holds('grant', grant)
    values.push(beginnerOf(grant))
    conditions.push(`(${named} OR handle = ?)`)
  }
  return `(${conditions.join(' AND ') || 'TRUE'})`
}
