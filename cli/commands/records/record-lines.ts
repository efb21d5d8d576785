import { type Line, type Piece, pairs, table } from '../../frame/lines.ts'
import { timeText } from '../../frame/times.ts'
import { membersOf } from '../../remote/members.ts'
import { logRow } from './log-row.ts'
import type { Resource } from './resources.ts'

export type Record = Readonly<Partial<globalThis.Record<string, unknown>>>

export function isRecord(value: unknown): value is Record {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** A table of the members that matter of each. */
export function listLines({ name, columns, isLog }: Resource, items: readonly unknown[]): readonly Line[] {
  const entries = isLog === true ? items.map((item) => logRow(membersOf(item))) : items
  const rows = entries.map((item) => columns.map((column) => cellOf(isRecord(item) ? item[column] : item)))
  return table(columns, rows, `No ${name}.`)
}

/** Every member, a line each. */
export function recordLines(record: unknown): readonly Line[] {
  if (!isRecord(record)) return [JSON.stringify(record)]
  return pairs(Object.entries(record).map(([name, value]) => [name, cellOf(value)] as const))
}

const INSTANT = /^\d{4}-\d\d-\d\dT[\d:.]+Z$/

function cellOf(value: unknown): Piece {
  if (value === undefined || value === null) return '–'
  if (typeof value === 'string') return INSTANT.test(value) ? timeText(value) : value
  if (Array.isArray(value) && value.every((one) => typeof one === 'string')) return value.join(' ')
  return JSON.stringify(value)
}
