import type { TokenRow } from '../token-facts.ts'
import { EXPIRING_COLUMNS, exact } from './exact.ts'
import { TOKEN_COLUMNS } from './token-row.ts'

/** Numbers stand in a place as text: those of a damaged store may be beyond what JavaScript represents. */
export const EXPIRED_TOKENS: string = `
  SELECT ${TOKEN_COLUMNS}, ${exact('realm')}, json_array(expires_at || '', bits, id || '') FROM token
  WHERE expires_at <= ? AND (expires_at, bits, id) > (CAST(? AS INTEGER), ?, CAST(? AS INTEGER))
  ORDER BY expires_at, bits, id LIMIT ?`
export type ExpiredTokenRow = readonly [...TokenRow, realm: number, place: string]

export const EXPIRED_ENTRIES: string = `
  SELECT id, ${EXPIRING_COLUMNS}, ${exact('realm')}, kind, json_array(expires_at || '', realm || '', kind, id) FROM memo
  WHERE expires_at BETWEEN ${Number.MIN_SAFE_INTEGER} AND ?
    AND (expires_at, realm, kind, id) > (CAST(? AS INTEGER), CAST(? AS INTEGER), ?, ?)
  ORDER BY expires_at, realm, kind, id LIMIT ?`
export type ExpiredEntryRow = readonly [
  id: string,
  value: Uint8Array,
  expiresAt: number,
  realm: number,
  kind: string,
  place: string,
]

type Place = readonly string[]
const LEAST = String(-(2n ** 63n))
/** Before all that expire. */
export const NO_TOKEN: Place = [LEAST, '', LEAST]
export const NO_ENTRY: Place = [LEAST, LEAST, '', '']

/** @param after a place that a row gave. */
export function expiredAfter(after: string | undefined, first: Place): Place {
  return after === undefined ? first : (JSON.parse(after) as Place)
}
