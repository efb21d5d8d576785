import type { DatabaseSync } from 'node:sqlite'
import type { ChainChecked } from '@rescind/authority'
import { sha256 } from '@rescind/core/bytes'
import { chainAfter } from '@rescind/core/log'
import { CHAINED_COLUMNS, type ChainedRowColumns } from './log-bytes.ts'
import { seqOfLogId } from './log-id.ts'

export type CheckAsk = {
  readonly kind: 'check'
  /** The id of the row before; its chain value is the start, or `chain` if that row was trimmed. */
  readonly after: number
  readonly chain: Uint8Array | undefined
  readonly before: number
  readonly limit: number
}

const ROWS = `SELECT ${CHAINED_COLUMNS} FROM log
  WHERE id > ? AND id < ? ORDER BY id LIMIT ?`

/** Checks rows in the reader thread, so that a start takes hardly longer: the main thread folds them meanwhile. */
export function checkRows(db: DatabaseSync, { after, chain: known, before, limit }: CheckAsk): ChainChecked {
  const start = known ?? db.prepare('SELECT chain FROM log WHERE id = ?').get(after)?.['chain']
  let through = seqOfLogId(after)
  if (!(start instanceof Uint8Array)) return { through, fault: { seq: through, what: 'missing' } }
  let chain: Uint8Array = start
  const statement = db.prepare(ROWS)
  statement.setReturnArrays(true)
  // node:sqlite types every row as an object; these are arrays of the columns.
  const rows = statement.all(after, before, limit) as unknown as readonly ChainedRowColumns[]
  const hashOf = auditHashes()
  for (const [id, atMs, kind, rule, audit, kept, stored] of rows) {
    const seq = seqOfLogId(id)
    if (seq !== through + 1) return { through, fault: { seq: through + 1, what: 'missing' } }
    if (!isTime(atMs) || !isByte(kind)) return { through, fault: { seq, what: 'altered' } }
    const auditHash = kept ?? hashOf(audit ?? new Uint8Array(0))
    if (auditHash.length !== HASH_BYTES) return { through, fault: { seq, what: 'altered' } }
    const next = chainAfter(chain, { seq, atMs, kind, rule, auditHash })
    if (!next.equals(stored)) return { through, fault: { seq, what: 'altered' } }
    chain = next
    through = seq
  }
  return { through }
}

const HASH_BYTES = 32

function isTime(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0
}

function isByte(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0 && value < 256
}

/** A cache of one: under load most rows have the same audit as the one before. */
function auditHashes(): (audit: Uint8Array) => Uint8Array {
  let text = new Uint8Array(0)
  let hash: Uint8Array = sha256(text)
  return (audit) => {
    if (Buffer.compare(audit, text) !== 0) [text, hash] = [new Uint8Array(audit), sha256(audit)]
    return hash
  }
}
