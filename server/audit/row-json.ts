import {
  type ChainedLogRow,
  decodeRule,
  isRowKind,
  ordinalOf,
  ROW_KINDS,
  type Rule,
  seqOf,
  type Target,
} from '@rescind/core'
import { formatInstant, type Json, type JsonObject, parseInstant, parseStrictObject } from '@rescind/dialects'

/** A log row as people read it: what it says, and who, from where, how and why. */
export type RowJson = {
  readonly seq: number
  readonly at: string
  readonly kind: string
  readonly rule: JsonObject
  /** The members of the audit text; none of them once it has expired. */
  readonly audit?: JsonObject | undefined
}

export function rowJson(row: ChainedLogRow): RowJson {
  const rule = decodeRule(row)
  const audit = row.audit === undefined ? undefined : parseStrictObject(Buffer.from(row.audit, 'utf8'))
  return { seq: row.seq, at: formatInstant(row.atMs), kind: rule.kind, rule: ruleJson(rule), audit }
}

function ruleJson(rule: Rule): JsonObject {
  switch (rule.kind) {
    case 'revoke':
      return { target: targetJson(rule.target), keepUntil: keepText(rule.keepUntilMs) }
    case 'hold':
      return { id: rule.id, target: targetJson(rule.target) }
    case 'release':
      return { id: rule.id }
    case 'change':
      return { collection: rule.collection, id: rule.id, version: rule.version }
    case 'epoch': {
      const { ordinal, epochId, lostBelow } = rule
      return { ordinal, epochId, lostBelow: [ordinalOf(lostBelow), seqOf(lostBelow)] }
    }
  }
}

function targetJson(target: Target): JsonObject {
  if (target.kind !== 'cut') return { ...target }
  const { shape, principals, issuedBeforeMs, basis, asOf } = target
  const { source, ...named } = principals
  return {
    kind: 'principals',
    shape,
    ...(shape === 'realm' ? {} : { source }),
    ...(named as { readonly [name: string]: string }),
    ...(issuedBeforeMs === undefined ? {} : { issuedBefore: formatInstant(issuedBeforeMs) }),
    ...(basis === undefined ? {} : { basis }),
    ...(asOf === undefined ? {} : { asOf: formatInstant(asOf.atMs) }),
  }
}

/** The last instant that can be written is as good as for ever. */
function keepText(ms: number): string {
  return ms >= FOREVER_MS ? 'for good' : formatInstant(ms)
}

const FOREVER_MS = 253_402_300_799_999

/**
 * A row as a line of an export: what `rowJson` shows, and the bytes that its chain value is made from, so that anybody
 * can check it. One row has one line: a reader makes it again from the bytes and compares.
 */
export function exportLine(row: ChainedLogRow): string {
  const { audit: shown, ...rest } = rowJson(row)
  const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64url')
  return JSON.stringify({
    ...rest,
    who: shown,
    audit: row.audit,
    auditHash: text(row.auditHash),
    ruleBytes: text(row.rule),
    chain: text(row.chain),
  })
}

/** @returns undefined for a line that is none of ours, or whose readable part does not say what its bytes say. */
export function readExportLine(line: string): ChainedLogRow | undefined {
  const object = parseStrictObject(Buffer.from(line, 'utf8'))
  if (object === undefined) return undefined
  const { seq, at, kind, audit, auditHash, ruleBytes, chain } = object
  const atMs = typeof at === 'string' ? parseInstant(at) : undefined
  const kindByte = typeof kind === 'string' && isRowKind(kind) ? ROW_KINDS[kind].code : undefined
  const [rule, hash, after] = [ruleBytes, auditHash, chain].map(bytesOf)
  if (typeof seq !== 'number' || atMs === undefined || kindByte === undefined) return undefined
  if (rule === undefined || hash === undefined || after === undefined) return undefined
  if (audit !== undefined && typeof audit !== 'string') return undefined
  const row = { seq, atMs, kind: kindByte, rule, auditHash: hash, chain: after }
  const whole = audit === undefined ? row : { ...row, audit }
  return isDecodable(whole) && exportLine(whole) === line ? whole : undefined
}

function bytesOf(value: Json | undefined): Buffer | undefined {
  return typeof value === 'string' ? Buffer.from(value, 'base64url') : undefined
}

/** Bytes that are no rule were not written by us: to whoever reads an export that is an answer, not a bug. */
function isDecodable(row: ChainedLogRow): boolean {
  try {
    decodeRule(row)
    return true
  } catch {
    return false
  }
}
