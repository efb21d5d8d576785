import { sha256 } from '../crypto/digests.ts'

/** The chain value before the first row. */
export const CHAIN_START: Buffer = Buffer.alloc(32)

export type ChainedRow = {
  readonly seq: number
  readonly atMs: number
  readonly kind: number
  readonly rule: Uint8Array
  /** SHA-256 of the audit bytes. It outlives them, so that the chain can be checked after they have expired. */
  readonly auditHash: Uint8Array
}

/** A row whose content stays with the authority: the hashes tell only who knows or guesses it. */
export type HashedRow = Omit<ChainedRow, 'rule'> & {
  /** SHA-256 of the rule's bytes. */
  readonly ruleHash: Uint8Array
}

/** SHA-256(previous ‖ u64be seq ‖ u64be at ‖ u8 kind ‖ SHA-256(rule) ‖ SHA-256(audit)): each row vouches for all before it. */
export function chainAfter(previous: Uint8Array, row: ChainedRow): Buffer {
  return chainAfterHashed(previous, row, sha256(row.rule))
}

/** The same by the hash of the rule's bytes. */
export function chainAfterHashed(
  previous: Uint8Array,
  row: Omit<ChainedRow, 'rule'>,
  ruleHash: Uint8Array,
): Buffer {
  LINK.set(previous, 0)
  writeU64(row.seq, 32)
  writeU64(row.atMs, 40)
  LINK[48] = row.kind
  LINK.set(ruleHash, 49)
  LINK.set(row.auditHash, 81)
  return sha256(LINK)
}

/** The hash input, one buffer for all rows: nothing here awaits, and the result shares no bytes with it. */
const LINK = Buffer.alloc(32 + 8 + 8 + 1 + 32 + 32)

/** @throws RangeError for anything but a whole number from 0 to 2^53. */
function writeU64(value: number, at: number): void {
  if (!Number.isSafeInteger(value) || value < 0)
    throw new RangeError(`${value} is neither a count nor a time`)
  LINK.writeUInt32BE(Math.floor(value / 2 ** 32), at)
  LINK.writeUInt32BE(value % 2 ** 32, at + 4)
}
