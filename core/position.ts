import { ContractBroken } from './faults.ts'
import type { Brand } from './ids.ts'

/**
 * A point in a realm's log: (epoch ordinal, seq), compared as a pair. One safe integer holds both, 13 bits of ordinal above
 * 40 bits of seq, so that hot paths compare with `<` and typed arrays can store it.
 */
export type Position = Brand<number, 'Position'>

const SEQ_SPAN = 2 ** 40
/** Maximum rows of a realm's log: a million a second for twelve days, or 1,000 a second for 34 years. */
export const SEQ_MAX: number = SEQ_SPAN - 1
/** Maximum restores of a realm. */
export const ORDINAL_MAX: number = 2 ** 13 - 1

export const ORIGIN: Position = 0 as Position

/** After every position of every log: for tokens of foreign issuers, which our logs do not order. */
export const BEYOND_LOGS: Position = Number.MAX_SAFE_INTEGER as Position

export function position(ordinal: number, seq: number): Position {
  if (!(ordinal >= 0 && ordinal <= ORDINAL_MAX && seq >= 0 && seq <= SEQ_MAX)) {
    throw new ContractBroken(`no such position: (${ordinal}, ${seq})`)
  }
  return (ordinal * SEQ_SPAN + seq) as Position
}

export function ordinalOf(at: Position): number {
  return Math.floor(at / SEQ_SPAN)
}

export function seqOf(at: Position): number {
  return at % SEQ_SPAN
}
