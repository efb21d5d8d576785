import { createHash } from 'node:crypto'
import { type Caller, type EvidenceKey, evidenceKeyOf, type Realm, signDetached } from '@rescind/authority'
import { ordinalOf, StoreUnavailable } from '@rescind/core'
import { formatInstant, sha256 } from '@rescind/core/bytes'
import type { ChainedLogRow } from '@rescind/core/log'
import { checkpointTextOf } from '../../judging/checkpoints.ts'
import { nextTurn } from '../../machine/turns.ts'
import { serverVersion } from '../../machine/version.ts'
import { PARTS_MAX } from '../../receipts/block.ts'
import type { EnforcementJson } from '../../receipts/enforcement.ts'
import type { ExposureJson } from '../../receipts/exposure-json.ts'
import type { Written } from '../../receipts/receipt.ts'
import type { Range } from '../export.ts'
import { exportLine } from '../row-json.ts'
import {
  auditSince,
  EVIDENCE_TYP,
  endLine,
  goneLine,
  headerLine,
  otherLine,
  receiptLine,
  receiptOf,
  signatureLine,
} from './lines.ts'
import type { Selected } from './selection.ts'

const PAGE = 100
/** Instances that one receipt's line names, and all of them together. */
const INSTANCES_NAMED_MAX = 1_000
const INSTANCES_NAMED_ALL_MAX = 100_000
/** Covered tokens that are looked at for all receipts together; those after it say that nobody looked. */
const EXPOSED_TOKENS_MAX = 20_000
const LEFT_OUT = { leftOut: true } as const
/** Beyond it a receipt goes without its exposure: a check reads no line of more than four times as many bytes. */
const LINE_MAX_CHARS = 4_194_304

export type EvidenceParts = {
  readonly realm: Realm
  readonly selected: Selected
  readonly selection: object
  readonly range: Range
  /** The rows up to here were trimmed. */
  readonly trimmedThrough: number
  readonly caller: Pick<Caller, 'id' | 'name' | 'owner'>
  readonly auditRetentionMs: number
  readonly enforcement: (written: Written) => Promise<EnforcementJson>
  /** Who accepted what a receipt covers before it was enforced. */
  readonly exposure: (written: Written) => Promise<ExposureJson>
}

/**
 * An evidence file, line by line: a header, every row from the first to the last that belongs to the incident, each receipt
 * after its rows, the end, and a signature over the end. All bytes before the end are in its hash. Rows of something else
 * are there by their hashes only.
 */
export async function* writeEvidence(parts: EvidenceParts): AsyncGenerator<string, void> {
  const { realm, selected, range } = parts
  const key = evidenceKeyOf(realm.keys.sealKey)
  const hash = createHash('sha256')
  const counts = { rows: 0, others: 0, receipts: 0, gone: selected.gone.length }
  const said = (lines: readonly string[]): string => {
    const text = lines.map((line) => `${line}\n`).join('')
    hash.update(text)
    return text
  }
  const lines = [headerOf(parts, key), ...selected.gone.map(goneLine)]
  const own = new Set(selected.rows)
  let { after: end, chain } = range
  const receipts = new ReceiptLines(parts)
  let before: readonly ChainedLogRow[] = []
  for await (const row of rowsOf(realm, range.after, selected.rows.at(-1) ?? range.after)) {
    const isOwn = own.has(row.seq)
    before = [...before, row].slice(-PARTS_MAX)
    counts[isOwn ? 'rows' : 'others'] += 1
    lines.push(isOwn ? exportLine(row) : otherLine({ ...row, ruleHash: sha256(row.rule) }))
    const written = selected.receipts.get(row.seq)
    if (written !== undefined) {
      counts.receipts += 1
      lines.push(await receipts.lineOf(written, before))
    }
    ;({ seq: end, chain } = row)
    // A receipt may have a megabyte.
    if (written !== undefined || lines.length >= PAGE) yield said(lines.splice(0))
  }
  yield said(lines)
  const position = checkpointTextOf(realm, range.head)
  const last = { end, chain: Buffer.from(chain).toString('base64url'), ...counts, position }
  const text = endLine({ ...last, sha256: hash.digest('base64url') })
  yield `${text}\n${signatureLine(signDetached(text, EVIDENCE_TYP, key.signing))}\n`
}

function headerOf(parts: EvidenceParts, key: EvidenceKey): string {
  const { realm, selection, selected, range, trimmedThrough, caller, auditRetentionMs } = parts
  return headerLine({
    realm: realm.name,
    madeAt: formatInstant(realm.nowMs()),
    ...{ by: caller.id, byName: caller.name, byOwner: caller.owner },
    server: serverVersion(),
    selection,
    trimmedThrough,
    auditSince: auditSince(realm.index.floorMs, auditRetentionMs),
    searched: selected.searched,
    after: range.after,
    chain: Buffer.from(range.chain).toString('base64url'),
    key: key.publicJwk,
  })
}

/** Writes the lines of receipts, with a bound on what stands beside them. */
class ReceiptLines {
  readonly #parts: EvidenceParts
  #exposed = 0
  #named = 0

  constructor(parts: EvidenceParts) {
    this.#parts = parts
  }

  /** What the rows say is written by the code that reads it. That the store keeps a rule for longer is in no row. */
  async lineOf(written: Written, rows: readonly ChainedLogRow[]): Promise<string> {
    const { realm } = this.#parts
    await nextTurn()
    const receipt = receiptOf({ realm: realm.name, epoch: ordinalOf(written.at), rows })
    if (receipt === undefined) throw new StoreUnavailable('an audit text has expired meanwhile; ask again')
    const enforcement = await this.#enforcement(written)
    const line = receiptLine(receipt, { enforcement, exposure: await this.#exposure(written) })
    return line.length <= LINE_MAX_CHARS ? line : receiptLine(receipt, { enforcement, exposure: LEFT_OUT })
  }

  /** Without the laggards, which are among the instances. */
  async #enforcement(written: Written): Promise<object> {
    const { instances, laggards: _among, ...state } = await this.#parts.enforcement(written)
    const room = Math.max(0, Math.min(INSTANCES_NAMED_MAX, INSTANCES_NAMED_ALL_MAX - this.#named))
    const named = instances.slice(0, room)
    this.#named += named.length
    const leftOut = instances.length - named.length
    return { ...state, instances: named, ...(leftOut === 0 ? {} : { instancesLeftOut: leftOut }) }
  }

  async #exposure(written: Written): Promise<object> {
    if (this.#exposed >= EXPOSED_TOKENS_MAX) return LEFT_OUT
    const exposure = await this.#parts.exposure(written)
    this.#exposed += exposure.covered
    return exposure
  }
}

/** The rows after one, up to another. */
async function* rowsOf(realm: Realm, from: number, through: number): AsyncGenerator<ChainedLogRow, void> {
  for (let after = from; after < through; ) {
    const limit = Math.min(PAGE, through - after)
    const rows = await realm.store.chainedRowsAfter(realm.ordinal, after, limit)
    // As for an export: a file with a gap would look like a broken log.
    if (rows[0]?.seq !== after + 1) throw new StoreUnavailable('the log was trimmed meanwhile; ask again')
    yield* rows
    after = rows.at(-1)?.seq ?? through
  }
}
