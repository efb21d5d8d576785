import { beginnerOf, type RealmOrdinal, type TokenIds, type TokensSought } from '@rescind/core'
import type { TokenRow } from '../token-facts.ts'
import { TOKEN_COLUMNS } from './rows.ts'

/** Tokens that one page of a search looks at. */
const LOOKED_AT = 1_000

/** `last` and `looked` are of the page; the token's columns are null when none of it matches. */
export type WalkRow = readonly [last: number | null, looked: number, number: number | null, ...TokenRow]

export type Walk = { readonly sql: string; readonly values: readonly (string | number)[] }

/**
 * A bounded search through the tokens of a realm, in commit order. No index covers their ids, so it compares their stored
 * text: every match meets the condition, and the caller drops the others.
 */
export function walkOf(realm: RealmOrdinal, { after, limit, oneOf, ...ids }: Sought): Walk {
  const values: (string | number)[] = [realm, after ?? 0, Math.min(limit, LOOKED_AT)]
  const all = bearing(ids, values)
  const some = oneOf?.map((one) => bearing(one, values))
  const where =
    some === undefined
      ? all
      : `${all} AND (strpos(facts, '"ancestors":[') > 0 OR ${some.join(' OR ') || 'FALSE'})`
  const sql = `WITH page AS MATERIALIZED (
      SELECT * FROM rescind.token WHERE realm = $1 AND number > $2 ORDER BY number LIMIT ${LOOKED_AT})
    SELECT p.last, p.looked, t.number, ${TOKEN_COLUMNS} FROM
      (SELECT max(number) AS last, count(*) AS looked FROM page) p
      LEFT JOIN (SELECT * FROM page WHERE ${where} ORDER BY number LIMIT $3) t ON true ORDER BY t.number`
  return { sql, values }
}

/** The place after a page: its last match if it is full, else the last token that it looked at. */
export function nextOf(rows: readonly WalkRow[], limit: number): number | undefined {
  const [first, last] = [rows[0], rows.at(-1)]
  if (first === undefined || first[0] === null) return undefined
  const found = rows.length === 1 && first[2] === null ? 0 : rows.length
  if (found === Math.min(limit, LOOKED_AT)) return last?.[2] ?? undefined
  return first[1] < LOOKED_AT ? undefined : first[0]
}

type Sought = TokensSought & { readonly after: number | undefined; readonly limit: number }

/** Conditions for members in the form that `factsText` writes. */
function bearing({ grant, handle, ...members }: TokenIds, values: (string | number)[]): string {
  const conditions: string[] = []
  const value = (text: string): string => `$${values.push(text)}`
  const holds = (name: string, text: string): string =>
    `strpos(facts, ${value(`${JSON.stringify(name)}:${JSON.stringify(text)}`)}) > 0`
  for (const [name, text] of Object.entries(members))
    if (text !== undefined) conditions.push(holds(name, text))
  if (handle !== undefined) conditions.push(`handle = ${value(handle)}`)
  // The grant of the token that began it is named after its handle, and not stored.
  if (grant !== undefined)
    conditions.push(`(${holds('grant', grant)} OR handle = ${value(beginnerOf(grant))})`)
  return `(${conditions.join(' AND ') || 'TRUE'})`
}
