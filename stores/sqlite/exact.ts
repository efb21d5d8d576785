import { LAST_INSTANT_MS } from '@rescind/core'
import { INSTANT_MAX } from '../token-facts.ts'

/** Row numbers of tokens, and of one realm's log, are below this: five bytes (row-table.ts, log-id.ts). */
export const ROW_MAX: number = 2 ** 40 - 1
/** The highest valid version of a record, and the version assumed for an invalid one. */
const VERSION_MAX = 2 ** 52
const VERSION_UNKNOWN = 2 ** 48

/**
 * An integer column as SQL that yields only numbers JavaScript can represent exactly: node:sqlite throws at others, and then
 * every row of the same step is lost. Larger values become the largest exact number, which is not a valid instant, realm or
 * kind; NULL stays NULL. Comparisons add nothing measurable to a token's look-up; `min` and `max` add a quarter.
 */
export function exact(column: string): string {
  const [least, most] = [Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER]
  return `iif(${column} NOT BETWEEN ${least} AND ${most}, ${most}, ${column})`
}

/**
 * Version and body of a record. One with an invalid version gets a body that cannot be parsed, so that requests that need it
 * learn so. It still counts as existing, so that no seed creates it again; writing it again repairs it. @param table with
 * its dot.
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

/** For the column `expires_at`. */
const IS_INSTANT = `expires_at BETWEEN ${-INSTANT_MAX} AND ${INSTANT_MAX}`

/** Value and expiry of an expiring entry. With an invalid expiry its value reads as empty, so that it never holds for ever. */
export const EXPIRING_COLUMNS: string = `iif(${IS_INSTANT}, value, x''), ${exact('expires_at')}`

/** The highest expiry of a source; if it is invalid, the latest instant is assumed. */
export const HIGHEST_EXPIRY: string = `iif(${IS_INSTANT}, expires_at, ${LAST_INSTANT_MS})`
