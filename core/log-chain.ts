import { sha256 } from './crypto.ts'

/** The chain value before the first row. */
export const CHAIN_START: Buffer = Buffer.alloc(32)

export type ChainedRow = {
  readonly seq: number
  readonly atMs: number
  readonly kind: number
  readonly rule: Uint8Array
  /** SHA-256 of the audit bytes; it outlives them, so that the chain can be checked after they expired. */
  readonly auditHash: Uint8Array
}

/** SHA-256(previous ‖ u64be seq ‖ u64be at ‖ u8 kind ‖ SHA-256(rule) ‖ SHA-256(audit)): each row vouches for all before it. */
export function chainAfter(previous: Uint8Array, row: ChainedRow): Buffer {
  const bytes = Buffer.allocUnsafe(32 + 8 + 8 + 1 + 32 + 32)
  bytes.set(previous, 0)
  bytes.writeBigUInt64BE(BigInt(row.seq), 32)
  bytes.writeBigUInt64BE(BigInt(row.atMs), 40)
  bytes.writeUInt8(row.kind, 48)
  bytes.set(sha256(row.rule), 49)
  bytes.set(row.auditHash, 81)
  return sha256(bytes)
}
