import type { ChainedRow } from '../log/log-chain.ts'
import type { FeedEvent } from './replica.ts'

/** One row as a feed sends it; hashes and rule bytes in base64url. */
type WireRow = {
  readonly seq: number
  readonly at: number
  readonly kind: number
  readonly rule: string
  readonly audit: string
}

/** Maximum rows of one event. A group of the commit queue and a page for a reader that catches up both hold fewer. */
const EVENT_ROWS_MAX = 20_000

/** The JSON of one `rows` event: `{prev, seq, position, chain, rows}`. */
export function feedEventJson({ prev, position, rows }: FeedEvent): string {
  // Built by hand: one encoding serves every reader, and a thousand groups may come a second.
  let list = ''
  for (const { seq, atMs, kind, rule, auditHash } of rows) {
    const parts = `"rule":"${base64url(rule)}","audit":"${base64url(auditHash)}"`
    list += `${list === '' ? '' : ','}{"seq":${seq},"at":${atMs},"kind":${kind},${parts}}`
  }
  const [, , seq = '', chain = ''] = position.split('.')
  return `{"prev":${prev},"seq":${seq},"position":"${position}","chain":"${chain}","rows":[${list}]}`
}

/** @returns undefined for anything but an event. A valid event may still not be the next one. */
export function readFeedEvent(value: unknown): FeedEvent | undefined {
  if (typeof value !== 'object' || value === null || !('rows' in value)) return undefined
  const { prev, position, rows } = value as Partial<Record<'prev' | 'position' | 'rows', unknown>>
  if (!isCount(prev) || typeof position !== 'string') return undefined
  if (!Array.isArray(rows) || rows.length > EVENT_ROWS_MAX) return undefined
  const read: ChainedRow[] = []
  for (const row of rows as readonly unknown[]) {
    if (!isWireRow(row)) return undefined
    const { seq, at, kind, rule, audit } = row
    read.push({
      seq,
      atMs: at,
      kind,
      rule: Buffer.from(rule, 'base64url'),
      auditHash: Buffer.from(audit, 'base64url'),
    })
  }
  return { prev, position, rows: read }
}

function isWireRow(value: unknown): value is WireRow {
  if (typeof value !== 'object' || value === null) return false
  const { seq, at, kind, rule, audit } = value as Partial<Record<keyof WireRow, unknown>>
  if (!isCount(seq) || !isCount(at) || !isCount(kind) || kind > 255) return false
  return typeof rule === 'string' && typeof audit === 'string' && audit.length === HASH_CHARS
}

const HASH_CHARS = 43

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
}

function base64url(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64url')
}
