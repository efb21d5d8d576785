import { LAST_INSTANT_MS, ordinalOf, seqOf } from '@rescind/core'
import { defined, formatInstant, instantOf, isObject, parseInstant } from '@rescind/core/bytes'
import { type ChainedLogRow, isRowKind, ROW_KINDS, type Rule, type Target } from '@rescind/core/log'
import { type Json, type JsonObject, parseStrictObject } from '@rescind/dialects'
import { storedRule, UNREADABLE } from '../receipts/stored-row.ts'

/**
 * A log row in readable form: the rule, its author, address, way and reason. What this version cannot read is marked as
 * unreadable: a row stays in the log forever, and an odd one must not hide the others.
 */
export type RowJson = {
  readonly seq: number
  readonly at: string
  /** One of the kinds, or `unreadable`. */
  readonly kind: string
  readonly rule: JsonObject
  /** The members of the audit text; empty once it has expired. */
  readonly audit?: JsonObject | undefined
}

export function rowJson(row: ChainedLogRow): RowJson {
  const { seq, atMs, kind, audit: text } = row
  const [at, rule, audit] = [formatInstant(atMs), storedRule(row), text === undefined ? {} : auditJson(text)]
  return 'unreadable' in rule
    ? { seq, at, kind: UNREADABLE, rule: { unreadable: rule.unreadable, code: kind }, ...audit }
    : { seq, at, kind: rule.kind, rule: ruleJson(rule), ...audit }
}

function auditJson(text: string): Pick<RowJson, 'audit'> {
  const audit = parseStrictObject(Buffer.from(text, 'utf8'))
  return { audit: audit ?? { unreadable: 'this audit text is no JSON object' } }
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
    ...defined({
      issuedBefore: instantOf(issuedBeforeMs),
      basis,
      asOf: instantOf(asOf?.atMs),
    }),
  }
}

/** The last instant that can be written means forever. */
function keepText(ms: number): string {
  return ms >= LAST_INSTANT_MS ? 'for good' : formatInstant(ms)
}

/**
 * A row as a line of an export: `rowJson` and the bytes that its chain value covers, so that any reader can check it. A
 * row has exactly one line: a reader rebuilds the line from the bytes and compares.
 */
export function exportLine(row: ChainedLogRow): string {
  const { audit: kept, ...rest } = rowJson(row)
  const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64url')
  // Values that the chain covers and that the readable part does not show.
  const isPlain = parseInstant(rest.at) === row.atMs
  return JSON.stringify({
    ...rest,
    ...(isPlain ? {} : { atMs: row.atMs }),
    who: kept,
    audit: row.audit,
    auditHash: text(row.auditHash),
    ruleBytes: text(row.rule),
    chain: text(row.chain),
  })
}

/** @returns undefined for a line of another format, or whose readable part contradicts its bytes. */
export function readExportLine(line: string): ChainedLogRow | undefined {
  const object = parseStrictObject(Buffer.from(line, 'utf8'))
  if (object === undefined) return undefined
  const { seq, at, audit, auditHash, ruleBytes, chain } = object
  const atMs = typeof object.atMs === 'number' ? object.atMs : parseInstant(typeof at === 'string' ? at : '')
  const kindByte = kindIn(object)
  const [rule, hash, after] = [ruleBytes, auditHash, chain].map(bytesOf)
  // What a row can have; a chain value is computed of nothing else.
  if (!isCount(seq) || !isCount(atMs) || kindByte === undefined) return undefined
  if (rule === undefined || hash === undefined || after === undefined) return undefined
  if (audit !== undefined && typeof audit !== 'string') return undefined
  const row = { seq, atMs, kind: kindByte, rule, auditHash: hash, chain: after }
  const whole = audit === undefined ? row : { ...row, audit }
  return exportLine(whole) === line ? whole : undefined
}

function isCount(value: Json | undefined): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
}

function kindIn({ kind, rule }: JsonObject): number | undefined {
  if (typeof kind !== 'string') return undefined
  if (isRowKind(kind)) return ROW_KINDS[kind].code
  const code = kind === UNREADABLE && isObject(rule) ? rule.code : undefined
  return typeof code === 'number' && Number.isInteger(code) && code >= 0 && code <= 255 ? code : undefined
}

function bytesOf(value: Json | undefined): Buffer | undefined {
  return typeof value === 'string' ? Buffer.from(value, 'base64url') : undefined
}
