import { LAST_INSTANT_MS } from '@rescind/core'

/** Rows of tokens, and those of one realm's log, are numbered below this: five bytes (row-table.ts, log-id.ts). */
export const ROW_MAX: number = 2 ** 40 - 1
/** The last instant that there is a date for; nothing that was written ends later. */
const INSTANT_MAX = 8_640_000_000_000_000
/** Versions that a record can have, and the one that it counts as having where it has none of them. */
const VERSION_MAX = 2 ** 52
const VERSION_UNKNOWN = 2 ** 48

/**
 * A column of whole numbers, as SQL that never gives one which JavaScript cannot tell from its neighbours: node:sqlite
 * throws at such a number, and with it goes every row that is read in the same step. What stands beyond is read as the
 * largest that can be told, which is no instant, realm or kind of ours; nothing stays nothing. A comparison costs a
 * token's look-up nothing that could be measured; `min` and `max` cost it a quarter.
 */
export function exact(column: string): string {
  const [least, most] = [Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER]
  return `iif(${column} NOT BETWEEN ${least} AND ${most}, ${most}, ${column})`
}

/** Whether a number that was read as `exact` says is a time. */
export function isInstant(ms: number): boolean {
  return Math.abs(ms) <= INSTANT_MAX
}

/**
 * The version and the body of a record. One whose version is none has a body that is no record, so that whoever needs it
 * is told; it was written once, so that no seed makes it anew, and writing it anew mends it. @param table with its dot.
 */
export function recordColumns(table = ''): string {
  const body = `${table}body`
  return `${versionColumn(table)}, iif(${body} IS NULL OR ${isVersion(table)}, ${body}, '')`
}

export function versionColumn(table = ''): string {
  return `iif(${isVersion(table)}, ${table}version, ${VERSION_UNKNOWN})`
}

function isVersion(table: string): string {
  return `${table}version BETWEEN 1 AND ${VERSION_MAX}`
}

/** Of the column `expires_at`. */
const IS_INSTANT = `expires_at BETWEEN ${-INSTANT_MAX} AND ${INSTANT_MAX}`

/** The value and the expiry of an expiring entry. One that ends at no time says nothing: it is not believed for ever. */
export const EXPIRING_COLUMNS: string = `iif(${IS_INSTANT}, value, x''), ${exact('expires_at')}`

/** The highest expiry of a source; where it is no time, what was given out may end at any. */
export const HIGHEST_EXPIRY: string = `iif(${IS_INSTANT}, expires_at, ${LAST_INSTANT_MS})`
