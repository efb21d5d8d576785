import { ContractBroken } from '../faults.ts'
import { type Checkpoint, readCheckpoint } from '../log/checkpoint-text.ts'
import { type ChainedRow, chainAfter } from '../log/log-chain.ts'
import { traitsOf } from '../log/row-kinds.ts'
import { decodeRule, tokenRuleKeys } from '../log/rule-bytes.ts'
import type { Rule } from '../log/rules.ts'
import type { RevocationIndex } from '../revocations/revocation-index.ts'
import type { Snapshot } from './snapshot.ts'

/** One committed group as the feed carries it: the rows after `prev`, up to `position`. */
export type FeedEvent = {
  readonly prev: number
  readonly position: string
  readonly rows: readonly ChainedRow[]
}

/**
 * What an event did to a replica. `resync`: it was not applied; ask again from the replica's own checkpoint, or ask for a
 * snapshot. `fork`: the source's history is not this replica's; trust nothing from it.
 */
export type Applied =
  | { readonly kind: 'applied'; readonly rules: readonly Rule[] }
  | { readonly kind: 'known' }
  | { readonly kind: 'resync'; readonly why: ResyncWhy }
  | { readonly kind: 'fork' }
export type ResyncWhy = 'no-snapshot' | 'gap' | 'malformed' | 'chain' | 'unknown-rule'

/** What a snapshot did. `behind`: it is older than what this replica has applied, so it was not loaded. */
export type Loaded = { readonly kind: 'loaded' } | { readonly kind: 'behind' } | { readonly kind: 'fork' }

/**
 * Another process's copy of a realm's index, kept up to date by snapshots and events alone: a state machine without I/O. It
 * never goes back, neither to an older snapshot nor to another history, and across epochs it keeps all revocations that it
 * knew.
 */
export class Replica {
  #snapshot: Snapshot | undefined

  get index(): RevocationIndex | undefined {
    return this.#snapshot?.index
  }

  get checkpoint(): Checkpoint | undefined {
    return this.#snapshot?.checkpoint
  }

  /** The checkpoint as the source wrote it. */
  get position(): string | undefined {
    return this.#snapshot?.position
  }

  load(next: Snapshot): Loaded {
    const own = this.#snapshot
    if (own === undefined) {
      this.#snapshot = next
      return { kind: 'loaded' }
    }
    const { ordinal, epochId, seq, chain } = own.checkpoint
    if (next.checkpoint.ordinal < ordinal) return { kind: 'fork' }
    const lineage = next.index.epochs.find((epoch) => epoch.ordinal === ordinal)
    if (lineage !== undefined && lineage.epochId !== epochId) return { kind: 'fork' }
    if (next.checkpoint.ordinal > ordinal) {
      next.index.absorb(own.index)
      this.#snapshot = next
      return { kind: 'loaded' }
    }
    if (next.checkpoint.seq < seq) return { kind: 'behind' }
    if (next.checkpoint.seq === seq && next.checkpoint.chain !== chain) return { kind: 'fork' }
    next.index.raiseFloor(own.index.floorMs)
    this.#snapshot = next
    return { kind: 'loaded' }
  }

  apply(event: FeedEvent): Applied {
    const own = this.#snapshot
    if (own === undefined) return { kind: 'resync', why: 'no-snapshot' }
    const to = readCheckpoint(event.position)
    if (to === undefined) return { kind: 'resync', why: 'malformed' }
    if (to.seq <= own.checkpoint.seq && event.prev < own.checkpoint.seq) {
      return to.seq === own.checkpoint.seq && to.chain !== own.checkpoint.chain
        ? { kind: 'fork' }
        : { kind: 'known' }
    }
    if (event.prev !== own.checkpoint.seq) return { kind: 'resync', why: 'gap' }
    if (event.rows.length === 0 || event.rows.length !== to.seq - event.prev)
      return { kind: 'resync', why: 'malformed' }
    const rules = this.#rulesOf(event.rows, own.checkpoint, to)
    if (!Array.isArray(rules)) return rules
    for (const row of event.rows) own.index.fold(row)
    this.#snapshot = { index: own.index, checkpoint: to, position: event.position }
    return { kind: 'applied', rules }
  }

  /** Reads and checks all rows before any is folded. */
  #rulesOf(rows: readonly ChainedRow[], from: Checkpoint, to: Checkpoint): Rule[] | Applied {
    const rules: Rule[] = []
    let chain: Uint8Array = Buffer.from(from.chain, 'base64url')
    let { ordinal, epochId } = from
    for (const [at, row] of rows.entries()) {
      if (row.seq !== from.seq + 1 + at) return { kind: 'resync', why: 'malformed' }
      const rule = readRule(row)
      if (rule === undefined) return { kind: 'resync', why: 'unknown-rule' }
      if (rule.kind === 'epoch') {
        if (rule.ordinal <= ordinal) return { kind: 'fork' }
        ordinal = rule.ordinal
        epochId = rule.epochId
      }
      rules.push(rule)
      chain = chainAfter(chain, row)
    }
    if (Buffer.from(chain).toString('base64url') !== to.chain) return { kind: 'resync', why: 'chain' }
    return ordinal === to.ordinal && epochId === to.epochId ? rules : { kind: 'fork' }
  }
}

/** @returns undefined for an unknown kind or version: a reader must stop there, never skip it. */
function readRule(row: ChainedRow): Rule | undefined {
  try {
    // Checks what folding will read without decoding.
    tokenRuleKeys(row)
    return decodeRule(row)
  } catch (error) {
    // These bytes come from outside: a row that does not decode is "not understood", an answer. Anything else is a bug.
    if (error instanceof ContractBroken || error instanceof RangeError) return undefined
    throw error
  }
}

/** Whether a rule can change a verdict, so that remembered verdicts must be judged again. */
export function turnsVerdicts(rule: Rule): boolean {
  return traitsOf(rule).turnsVerdicts
}
