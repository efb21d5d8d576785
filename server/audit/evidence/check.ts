import { createHash } from 'node:crypto'
import { type KnownCheckpoint, LogCheck, type LogFault, verifyDetached } from '@rescind/authority'
import { type ChainedLogRow } from '@rescind/core/log'
import { importPublicJwk, type VerificationKey } from '@rescind/core/tokens'
import { PARTS_MAX } from '../../receipts/block.ts'
import type { FileLine } from '../file-lines.ts'
import { readExportLine } from '../row-json.ts'
import {
  EVIDENCE_TYP,
  goneLine,
  readEnd,
  readGone,
  readHeader,
  readOther,
  readReceipt,
  readSignature,
} from './lines.ts'

/** What a check found out about an evidence file. */
export type EvidenceChecked =
  | {
      readonly kind: 'evidence'
      readonly realm: string
      readonly rows: number
      readonly others: number
      readonly receipts: number
      readonly gone: number
      /** The first and the last row; no row at all when `from` is above `through`. */
      readonly from: number
      readonly through: number
      /** The thumbprint of the key that signed it. */
      readonly keyId: string
      /** It is the key that the reader knew. */
      readonly isKeyKnown: boolean
      /** The last row that a position of the reader's proves, with all rows before it: what follows may be whoever's who signed it. */
      readonly provenThrough: number | undefined
    }
  /** Evidence of something that did not happen so, or that cannot be believed. */
  | { readonly kind: 'evidence-wrong'; readonly line: number; readonly why: EvidenceFault }

export type EvidenceFault =
  | { readonly what: 'row'; readonly fault: LogFault }
  | { readonly what: 'position-outside'; readonly seq: number }
  | { readonly what: Plain }

type Plain =
  | 'header'
  | 'line'
  | 'receipt'
  | 'gone'
  | 'counts'
  | 'bytes'
  | 'signature'
  | 'other-key'
  | 'cut-short'
  | 'more'

export type EvidenceKnown = {
  /** Positions that its reader has from elsewhere. */
  readonly positions: readonly KnownCheckpoint[]
  /** The thumbprint of the realm's evidence key, if its reader has it from elsewhere. */
  readonly keyId?: string | undefined
}

/**
 * Checks an evidence file by itself and by what its reader knows: the signature, every byte, every row by its hashes and the
 * chain, and every receipt by the rows that it is made of.
 */
export async function checkEvidence(
  lines: AsyncIterable<FileLine | 'too-long'>,
  known: EvidenceKnown,
): Promise<EvidenceChecked> {
  const check = new EvidenceCheck(known)
  let at = 0
  for await (const line of lines) {
    at += 1
    // Nothing is read that is not as it was written: a line ends with a line feed, the last one too.
    const text = line === 'too-long' || !line.isEnded ? undefined : line.text
    if (line === 'too-long' || text === undefined) return wrong(at, { what: 'line' })
    const why = check.accept(text, line.bytes)
    if (why !== undefined) return wrong(at, why)
  }
  return check.end() ?? wrong(at, { what: 'cut-short' })
}

function wrong(line: number, why: EvidenceFault): EvidenceChecked {
  return { kind: 'evidence-wrong', line, why }
}

/** What the lines so far have said. */
class EvidenceCheck {
  readonly #known: EvidenceKnown
  readonly #hash = createHash('sha256')
  #begun:
    | { readonly realm: string; readonly from: number; readonly log: LogCheck; readonly key: VerificationKey }
    | undefined
  #last: { readonly text: string } | undefined
  #isSigned = false
  #counts = { rows: 0, others: 0, receipts: 0, gone: 0 }
  /** The newest rows; a row of something else ends what may be one request. */
  #rows: readonly ChainedLogRow[] = []

  constructor(known: EvidenceKnown) {
    this.#known = known
  }

  /** @returns what is wrong with this line, given the ones before it. */
  accept(text: string, bytes: Uint8Array): EvidenceFault | undefined {
    if (this.#isSigned) return { what: 'more' }
    if (this.#last !== undefined) return this.#signature(text, this.#last)
    if (text.startsWith('{"end":')) return this.#end(text)
    this.#hash.update(bytes).update('\n')
    if (this.#begun === undefined) return this.#header(text)
    if (text.startsWith('{"seq":')) return this.#row(text)
    if (text.startsWith('{"other":')) return this.#other(text)
    if (text.startsWith('{"receipt":')) return this.#receipt(text, this.#begun.realm)
    if (text.startsWith('{"gone":')) return this.#gone(text)
    return { what: 'line' }
  }

  #header(text: string): EvidenceFault | undefined {
    const header = readHeader(text)
    const key = importPublicJwk(header?.key, 'EdDSA')
    if (header === undefined || key === undefined) return { what: 'header' }
    const { realm, after, chain } = header
    const log = new LogCheck(this.#known.positions, { seq: after, chain })
    this.#begun = { realm, from: after + 1, log, key }
    return undefined
  }

  #row(text: string): EvidenceFault | undefined {
    const row = readExportLine(text)
    if (row === undefined) return this.#altered()
    const fault = this.#begun?.log.accept(row)
    if (fault !== undefined) return { what: 'row', fault }
    this.#counts.rows += 1
    this.#rows = [...this.#rows, row].slice(-PARTS_MAX)
    return undefined
  }

  #other(text: string): EvidenceFault | undefined {
    const row = readOther(text)
    if (row === undefined) return this.#altered()
    const fault = this.#begun?.log.acceptHashed(row)
    if (fault !== undefined) return { what: 'row', fault }
    this.#counts.others += 1
    this.#rows = []
    return undefined
  }

  #altered(): EvidenceFault {
    return { what: 'row', fault: { seq: (this.#begun?.log.seq ?? 0) + 1, what: 'altered' } }
  }

  #receipt(text: string, realm: string): EvidenceFault | undefined {
    if (readReceipt(text, { realm, rows: this.#rows }) === undefined) return { what: 'receipt' }
    // A second line about the same row would be a receipt that nobody counted.
    this.#rows = []
    this.#counts.receipts += 1
    return undefined
  }

  #gone(text: string): EvidenceFault | undefined {
    const gone = readGone(text)
    if (gone === undefined || goneLine(gone) !== text) return { what: 'gone' }
    this.#counts.gone += 1
    return undefined
  }

  #end(text: string): EvidenceFault | undefined {
    const end = readEnd(text)
    const log = this.#begun?.log
    if (end === undefined || log === undefined) return { what: 'line' }
    if (end.end !== log.seq || end.chain !== log.chain) {
      const what = end.end === log.seq ? 'altered' : 'missing'
      return { what: 'row', fault: { seq: log.seq + 1, what } }
    }
    const { rows, others, receipts, gone } = this.#counts
    const isCounted =
      end.rows === rows && end.others === others && end.receipts === receipts && end.gone === gone
    if (!isCounted) return { what: 'counts' }
    if (end.sha256 !== this.#hash.digest('base64url')) return { what: 'bytes' }
    this.#last = { text }
    return undefined
  }

  #signature(text: string, last: { readonly text: string }): EvidenceFault | undefined {
    const jws = readSignature(text)
    const key = this.#begun?.key
    if (jws === undefined || key === undefined) return { what: 'signature' }
    if (!verifyDetached(jws, { payload: last.text, typ: EVIDENCE_TYP }, key)) return { what: 'signature' }
    this.#isSigned = true
    if (this.#known.keyId !== undefined && this.#known.keyId !== key.keyId) return { what: 'other-key' }
    return this.#positions()
  }

  /**
   * Positions that lie in the file were compared row by row. Others are refused, also the one that the file says the log had: that
   * is the word of whoever signed it.
   */
  #positions(): EvidenceFault | undefined {
    const { log, from } = this.#begun ?? {}
    if (log === undefined || from === undefined) return undefined
    for (const { seq } of this.#known.positions)
      if (seq < from - 1 || seq > log.seq) return { what: 'position-outside', seq }
    const fault = log.startFault()
    return fault === undefined ? undefined : { what: 'row', fault }
  }

  end(): EvidenceChecked | undefined {
    if (!this.#isSigned || this.#begun === undefined) return undefined
    const { realm, from, log, key } = this.#begun
    const isKeyKnown = this.#known.keyId !== undefined
    // Anybody can append rows to a chain value, so one proves the rows before it and none after it.
    const proven = Math.max(...this.#known.positions.map(({ seq }) => seq))
    const provenThrough = proven < from ? undefined : proven
    return {
      ...{ kind: 'evidence', realm, ...this.#counts },
      ...{ from, through: log.seq, keyId: key.keyId, isKeyKnown, provenThrough },
    }
  }
}
