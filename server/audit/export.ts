import { type KnownCheckpoint, LogCheck, type LogFault, type Realm } from '@rescind/authority'
import { StoreUnavailable } from '@rescind/core'
import type { ChainedLogRow, Checkpoint } from '@rescind/core/log'
import { parseStrictObject } from '@rescind/dialects'
import { checkpointTextOf, headCheckpoint } from '../judging/checkpoints.ts'
import { exportLine, readExportLine } from './row-json.ts'

const EXPORT_FORMAT = 'rescind-log'
const PAGE = 100

export type Range = { readonly after: number; readonly chain: Uint8Array; readonly head: Checkpoint }

/** The range of an export that leaves out the first rows; undefined when the log is not that long. */
export async function rangeAfter(realm: Realm, after: number): Promise<Range | undefined> {
  const head = await headCheckpoint(realm)
  const anchor = await realm.store.anchor(realm.ordinal)
  // The earlier rows have been trimmed off.
  if (after <= anchor.seq) return { after: anchor.seq, chain: anchor.chain, head }
  const [row] = await realm.store.chainedRowsAfter(realm.ordinal, after - 1, 1)
  return row?.seq !== after ? undefined : { after, chain: row.chain, head }
}

/**
 * Exports a realm's log up to the given head, line by line. The first line says where the export begins, and the last
 * one where it ends, so that a truncated export can be recognised.
 */
export async function* exportLog(realm: Realm, range: Range): AsyncGenerator<string, void> {
  const { head } = range
  const chain = Buffer.from(range.chain).toString('base64url')
  yield line({ export: EXPORT_FORMAT, version: 1, realm: realm.name, after: range.after, chain })
  let { after } = range
  while (after < head.seq) {
    const limit = Math.min(PAGE, head.seq - after)
    const rows = await realm.store.chainedRowsAfter(realm.ordinal, after, limit)
    // Trimmed meanwhile. A truncated export is recognisable, but one with a gap would look like a broken log.
    if (rows[0]?.seq !== after + 1) throw new StoreUnavailable('the log was trimmed meanwhile; ask again')
    yield rows.map((row) => `${exportLine(row)}\n`).join('')
    after = rows.at(-1)?.seq ?? head.seq
  }
  yield line({ end: head.seq, chain: head.chain, position: checkpointTextOf(realm, head) })
}

const line = (value: object): string => `${JSON.stringify(value)}\n`

export type Checked =
  | {
      readonly kind: 'right'
      readonly realm: string
      readonly rows: number
      readonly seq: number
      readonly chain: string
    }
  | { readonly kind: 'wrong'; readonly realm: string; readonly fault: LogFault }
  /** Not an export, or not a complete one; `line` says where. */
  | { readonly kind: 'unreadable'; readonly line: number; readonly why: string }

/** Checks an export by itself and by the checkpoints that its reader knows. */
export async function checkExport(
  lines: AsyncIterable<string>,
  known: readonly KnownCheckpoint[],
): Promise<Checked> {
  let at = 0
  let check: LogCheck | undefined
  let [realm, rows, ended] = ['', 0, false]
  for await (const text of lines) {
    at += 1
    if (ended) return { kind: 'unreadable', line: at, why: 'something follows the last line' }
    if (check === undefined) {
      const begun = readStart(text)
      if (begun === undefined) return { kind: 'unreadable', line: at, why: 'this is no export of a log' }
      realm = begun.realm
      check = new LogCheck(known, begun.anchor)
      continue
    }
    const end = readEnd(text)
    if (end !== undefined) {
      ended = true
      if (end.seq !== check.seq)
        return { kind: 'wrong', realm, fault: { seq: check.seq + 1, what: 'missing' } }
      if (end.chain !== check.chain) return { kind: 'wrong', realm, fault: { seq: end.seq, what: 'altered' } }
      continue
    }
    const row: ChainedLogRow | undefined = readExportLine(text)
    if (row === undefined) return { kind: 'wrong', realm, fault: { seq: check.seq + 1, what: 'altered' } }
    const fault = check.accept(row)
    if (fault !== undefined) return { kind: 'wrong', realm, fault }
    rows += 1
  }
  if (check === undefined || !ended)
    return { kind: 'unreadable', line: at, why: 'it was cut short: the last line is missing' }
  const fault = check.end()
  if (fault !== undefined) return { kind: 'wrong', realm, fault }
  return { kind: 'right', realm, rows, seq: check.seq, chain: check.chain }
}

function readStart(text: string): { realm: string; anchor: { seq: number; chain: Buffer } } | undefined {
  const object = parseStrictObject(Buffer.from(text, 'utf8'))
  const { export: format, version, realm, after, chain } = object ?? {}
  if (format !== EXPORT_FORMAT || version !== 1) return undefined
  if (typeof realm !== 'string' || typeof after !== 'number' || typeof chain !== 'string') return undefined
  return { realm, anchor: { seq: after, chain: Buffer.from(chain, 'base64url') } }
}

function readEnd(text: string): { seq: number; chain: string } | undefined {
  if (!text.startsWith('{"end":')) return undefined
  const object = parseStrictObject(Buffer.from(text, 'utf8'))
  const { end, chain } = object ?? {}
  return typeof end === 'number' && typeof chain === 'string' ? { seq: end, chain } : undefined
}
