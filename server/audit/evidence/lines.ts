import { formatInstant, isObject, type Json, type JsonObject, parseStrictFile } from '@rescind/core/bytes'
import { type ChainedLogRow, type HashedRow, ROW_KINDS } from '@rescind/core/log'
import { parseRevocationId, type ReceiptJson, receiptJson, writtenOf } from '../../receipts/receipt.ts'
import type { Gone } from './selection.ts'

/** The first member of an evidence file. */
const EVIDENCE_FORMAT = 'rescind-evidence'
const EVIDENCE_VERSION = 1
/** The `typ` of the signature: what this key signs is taken for nothing else. */
export const EVIDENCE_TYP = 'rescind-evidence'

const HASH_BYTES = 32

/** The first line: what the file is, who asked for what, and where its rows begin. */
export type EvidenceHeader = {
  readonly realm: string
  readonly madeAt: string
  readonly by: string
  readonly byName?: string | undefined
  readonly byOwner?: string | undefined
  readonly server: string
  readonly selection: object
  /** Rows up to here were trimmed before; what they held is not in the file, and cannot be. */
  readonly trimmedThrough: number
  /** Audit texts of rows before this may have expired. */
  readonly auditSince: string
  /** The rows that were looked through for others that belong to it. */
  readonly searched?: { readonly from: number; readonly through: number } | undefined
  /** The row before the first one, and the chain value there. */
  readonly after: number
  readonly chain: string
  /** The public key of the signature. */
  readonly key: JsonObject
}

export function headerLine(header: EvidenceHeader): string {
  return JSON.stringify({ evidence: EVIDENCE_FORMAT, version: EVIDENCE_VERSION, ...header })
}

export type ReadHeader = {
  readonly realm: string
  readonly after: number
  readonly chain: Buffer
  readonly key: Json | undefined
}

/** @returns undefined for a line that is no header of this version. */
export function readHeader(line: string): ReadHeader | undefined {
  const object = readObject(line)
  if (object === undefined) return undefined
  const { evidence, version, realm, after, chain, key } = object
  if (evidence !== EVIDENCE_FORMAT || version !== EVIDENCE_VERSION) return undefined
  const bytes = hashIn(chain)
  if (typeof realm !== 'string' || !isCount(after) || bytes === undefined) return undefined
  return { realm, after, chain: bytes, key }
}

/** A row of something else: hashes by which the chain can be recomputed, and nothing of what it says. */
export function otherLine(row: HashedRow & { readonly chain: Uint8Array }): string {
  const { seq, atMs, kind, ruleHash, auditHash, chain } = row
  const hashes = { ruleHash: text(ruleHash), auditHash: text(auditHash), chain: text(chain) }
  return JSON.stringify({ other: seq, atMs, kind, ...hashes })
}

/** @returns undefined for a line that `otherLine` does not write. */
export function readOther(line: string): (HashedRow & { readonly chain: Uint8Array }) | undefined {
  const { other: seq, atMs, kind, ...hashes } = readObject(line) ?? {}
  const [ruleHash, auditHash, chain] = [hashes['ruleHash'], hashes['auditHash'], hashes['chain']].map(hashIn)
  if (!isCount(seq) || !isCount(atMs) || !isCount(kind) || kind > 255) return undefined
  if (ruleHash === undefined || auditHash === undefined || chain === undefined) return undefined
  const row = { seq, atMs, kind, ruleHash, auditHash, chain }
  return otherLine(row) === line ? row : undefined
}

/** What a receipt's line has beside the receipt: the server's word at the time, which no row can show. */
export type Beside = { readonly enforcement: object; readonly exposure: object }

export type OfRows = {
  readonly realm: string
  readonly epoch: number
  /** The rows before the line, the receipt's own last. */
  readonly rows: readonly ChainedLogRow[]
}

/** The receipt that rows say; undefined when they are none. */
export function receiptOf({ realm, epoch, rows }: OfRows): ReceiptJson | undefined {
  if (rows.at(-1)?.kind !== ROW_KINDS.revoke.code) return undefined
  const written = writtenOf(rows, epoch)
  return written === undefined ? undefined : receiptJson({ name: realm }, written)
}

export function receiptLine(receipt: ReceiptJson, { enforcement, exposure }: Beside): string {
  return JSON.stringify({ receipt, enforcement, exposure })
}

/** @returns the line's id when the line is exactly what the rows before it say; otherwise undefined. */
export function readReceipt(line: string, of: Omit<OfRows, 'epoch'>): string | undefined {
  const { receipt, enforcement, exposure } = readObject(line) ?? {}
  if (!isObject(receipt) || !isObject(enforcement) || !isObject(exposure)) return undefined
  const { epoch } = receipt
  if (!isCount(epoch)) return undefined
  const rebuilt = receiptOf({ ...of, epoch })
  if (rebuilt === undefined || receiptLine(rebuilt, { enforcement, exposure }) !== line) return undefined
  return rebuilt.id
}

/** The last line before the signature: what the file has, the end of the log, and a hash of every byte before it. */
export type EvidenceEnd = {
  readonly end: number
  readonly chain: string
  readonly rows: number
  readonly others: number
  readonly receipts: number
  readonly gone: number
  /** The checkpoint of the log's head when the file was made. */
  readonly position: string
  readonly sha256: string
}

export function endLine({ end, chain, rows, others, receipts, gone, position, sha256 }: EvidenceEnd): string {
  return JSON.stringify({ end, chain, rows, others, receipts, gone, position, sha256 })
}

/** @returns undefined for a line that `endLine` does not write. */
export function readEnd(line: string): EvidenceEnd | undefined {
  const { end, chain, rows, others, receipts, gone, position, sha256 } = readObject(line) ?? {}
  if (!isCount(end) || !isCount(rows) || !isCount(others) || !isCount(receipts) || !isCount(gone))
    return undefined
  if (typeof chain !== 'string' || typeof position !== 'string' || typeof sha256 !== 'string')
    return undefined
  const read = { end, chain, rows, others, receipts, gone, position, sha256 }
  return endLine(read) === line ? read : undefined
}

export function goneLine({ id, why }: Gone): string {
  return JSON.stringify({ gone: id, why })
}

/** @returns undefined for a line that names no revocation, or no reason that is known. */
export function readGone(line: string): Gone | undefined {
  const { gone: id, why } = readObject(line) ?? {}
  if (typeof id !== 'string' || parseRevocationId(id) === undefined) return undefined
  return why === 'trimmed' || why === 'audit-expired' ? { id, why } : undefined
}

export function signatureLine(signature: string): string {
  return JSON.stringify({ signature })
}

/** @returns undefined for a line that `signatureLine` does not write. */
export function readSignature(line: string): string | undefined {
  const { signature } = readObject(line) ?? {}
  return typeof signature === 'string' && signatureLine(signature) === line ? signature : undefined
}

/** Audit texts are kept at least from here on. */
export function auditSince(nowMs: number, retentionMs: number): string {
  return formatInstant(Math.max(0, nowMs - retentionMs))
}

function readObject(line: string): JsonObject | undefined {
  const value = parseStrictFile(Buffer.from(line, 'utf8'))
  return isObject(value) ? value : undefined
}

function isCount(value: Json | undefined): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
}

function hashIn(value: Json | undefined): Buffer | undefined {
  if (typeof value !== 'string') return undefined
  const bytes = Buffer.from(value, 'base64url')
  return bytes.length === HASH_BYTES && text(bytes) === value ? bytes : undefined
}

function text(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64url')
}
