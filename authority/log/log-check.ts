import { sha256 } from '@rescind/core/bytes'
import { CHAIN_START, type ChainedLogRow, chainAfterHashed, type HashedRow } from '@rescind/core/log'

/** What is wrong with a log, at the first affected row. */
export type LogFault = {
  readonly seq: number
  readonly what: /** This row is missing, or repeats an earlier one. */
    | 'missing'
    | 'doubled'
    /** The row does not match its chain value. */
    | 'altered'
    /** Its audit text does not match its hash. */
    | 'audit-altered'
    /** The log ends before a known checkpoint, or differs from it: rows were cut off, or all were rewritten. */
    | 'not-the-log'
    /** The log does not begin where the server trimmed it, or the kept rows differ from those it kept. */
    | 'anchor-altered'
}

/** How far a part of a log is intact, and what is wrong with the row after it. */
export type ChainChecked = { readonly through: number; readonly fault?: LogFault }

/** A checkpoint that the log is known to have had: a stored one, a receipt, an earlier export. */
export type KnownCheckpoint = { readonly seq: number; readonly chain: string }

/**
 * Checks a log row by row, from its start or from the chain value before its first row. An attacker who can write the log
 * can rebuild the chain from any row on; only known checkpoints that the attacker cannot write reveal that.
 */
export class LogCheck {
  readonly #known: readonly KnownCheckpoint[]
  readonly #anchor: KnownCheckpoint
  #seq: number
  #chain: Uint8Array

  constructor(known: readonly KnownCheckpoint[], anchor: { seq: number; chain: Uint8Array } = START) {
    this.#known = known
    this.#anchor = { seq: anchor.seq, chain: Buffer.from(anchor.chain).toString('base64url') }
    this.#seq = anchor.seq
    this.#chain = anchor.chain
  }

  get seq(): number {
    return this.#seq
  }

  get chain(): string {
    return Buffer.from(this.#chain).toString('base64url')
  }

  /** @returns what is wrong with this row, given the ones before it. */
  accept(row: ChainedLogRow): LogFault | undefined {
    const { auditHash, audit } = row
    const order = this.#order(row)
    if (order !== undefined) return order
    if (audit !== undefined && !sha256(Buffer.from(audit, 'utf8')).equals(auditHash)) {
      return { seq: row.seq, what: 'audit-altered' }
    }
    return this.#link(row, sha256(row.rule))
  }

  /** The same for a row of which there are only hashes. */
  acceptHashed(row: HashedRow & { readonly chain: Uint8Array }): LogFault | undefined {
    return this.#order(row) ?? this.#link(row, row.ruleHash)
  }

  /** @returns what is wrong with where it begins. */
  startFault(): LogFault | undefined {
    const { seq: start, chain: before } = this.#anchor
    const isOther = this.#known.some(({ seq, chain }) => seq === start && chain !== before)
    return isOther ? { seq: start, what: 'not-the-log' } : undefined
  }

  #order({ seq }: { readonly seq: number }): LogFault | undefined {
    const due = this.#seq + 1
    if (seq > due) return { seq: due, what: 'missing' }
    return seq < due ? { seq, what: 'doubled' } : undefined
  }

  #link(
    row: Omit<HashedRow, 'ruleHash'> & { readonly chain: Uint8Array },
    ruleHash: Uint8Array,
  ): LogFault | undefined {
    const { seq } = row
    const chain = chainAfterHashed(this.#chain, row, ruleHash)
    if (!chain.equals(row.chain)) return { seq, what: 'altered' }
    this.#seq = seq
    this.#chain = chain
    return this.#known.some((checkpoint) => checkpoint.seq === seq && checkpoint.chain !== this.chain)
      ? { seq, what: 'not-the-log' }
      : undefined
  }

  /** @returns what is wrong with a log that ends here. */
  end(): LogFault | undefined {
    const fault = this.startFault()
    if (fault !== undefined) return fault
    const beyond = this.#known.find(({ seq }) => seq > this.#seq)
    return beyond === undefined ? undefined : { seq: beyond.seq, what: 'not-the-log' }
  }
}

const START = { seq: 0, chain: CHAIN_START }
