import {
  ContractBroken,
  type Cutoff,
  type Hold,
  KeyTable,
  ORIGIN,
  type Position,
  partitionOfBytes,
  partitionOfKey,
  position,
  type RevocationIndex,
} from '@rescind/core'
import {
  type CutoffShape,
  type CutoffTarget,
  cutoffKeyOf,
  decodeRule,
  type ExactTarget,
  type IndexKey,
  keysOfExact,
  type LogRow,
  type RevokeRule,
  tokenRuleKeys,
} from '@rescind/core/log'

/** A range of the index's partitions. The first slice also covers what belongs to no partition. */
export type Slice = { readonly from: number; readonly to: number }

/** The fields of a cutoff that only rise. */
export const CUTOFF_FIELDS = ['plain', 'plainAtMs', 'datedBeforeMs', 'dated', 'authenticatedMs'] as const
type CutoffField = (typeof CUTOFF_FIELDS)[number]

/** A cutoff with each field's own keep: the row that set one field may expire before the others. */
export type FreshCutoff = {
  readonly parts: Map<CutoffField, { readonly value: number; readonly keepUntilMs: number }>
  keepUntilMs: number
}

/**
 * A slice of a log, folded again independently: it shares with the index only the decoding of rows, and has its own tables,
 * so that an error in the index does not repeat here.
 */
export class FreshFold {
  readonly slice: Slice
  readonly ended: KeyTable = new KeyTable()
  readonly cutoffs: Map<CutoffShape, Map<IndexKey, FreshCutoff>> = new Map()
  readonly holds: Map<string, Hold> = new Map()
  readonly kinds: Set<ExactTarget['kind']> = new Set()
  readonly #index: RevocationIndex
  #seq = 0
  #ordinal = 0
  #lostBelow: Position = ORIGIN

  /** @param index used only for its digest key, its floor, and how long rows of older versions count. */
  constructor(index: RevocationIndex, slice: Slice) {
    this.#index = index
    this.slice = slice
  }

  get seq(): number {
    return this.#seq
  }

  get lostBelow(): Position {
    return this.#lostBelow
  }

  has(key: IndexKey): boolean {
    return this.#isIn(partitionOfKey(key))
  }

  /** Counts rows up to here as folded: apart from the kept ones they were trimmed. */
  passTo(seq: number): void {
    if (seq > this.#seq) this.#seq = seq
  }

  fold(row: LogRow): void {
    this.#seq = row.seq
    const token = tokenRuleKeys(row)
    if (token !== undefined) {
      this.kinds.add('token')
      for (const at of [token.digestAt, token.handleKeyAt]) {
        if (this.#isIn(partitionOfBytes(row.rule, at)) && token.keepUntilMs > this.#index.floorMs)
          this.ended.addBytes(row.rule, at, token.keepUntilMs)
      }
      return
    }
    const rule = decodeRule(row)
    const at = position(this.#ordinal, row.seq)
    if (rule.kind === 'revoke') this.#revoke(rule, row, at)
    else if (rule.kind === 'hold' && !this.holds.has(rule.id))
      this.holds.set(rule.id, { target: rule.target, at })
    else if (rule.kind === 'release') this.holds.delete(rule.id)
    else if (rule.kind === 'epoch') {
      this.#ordinal = rule.ordinal
      if (rule.lostBelow > this.#lostBelow) this.#lostBelow = rule.lostBelow
    }
  }

  #revoke(rule: RevokeRule, row: LogRow, at: Position): void {
    const { target } = rule
    const keepUntilMs = this.#index.keptUntilMs(row, rule)
    if (target.kind === 'cut') {
      this.#cutoff(target, cutoffOf(target, { at, atMs: row.atMs }, keepUntilMs))
      return
    }
    this.kinds.add(target.kind)
    for (const key of keysOfExact(this.#index.digestKey, target)) {
      if (this.has(key) && keepUntilMs > this.#index.floorMs) this.ended.add(key, keepUntilMs)
    }
  }

  #cutoff(target: CutoffTarget, cutoff: Cutoff): void {
    const key = cutoffKeyOf(this.#index.digestKey, target.shape, target.principals)
    if (key === undefined) throw new ContractBroken(`a cutoff of shape ${target.shape} without its names`)
    if (!this.has(key)) return
    const ofShape = this.cutoffs.get(target.shape) ?? new Map<IndexKey, FreshCutoff>()
    this.cutoffs.set(target.shape, ofShape)
    const found = ofShape.get(key) ?? { parts: new Map(), keepUntilMs: 0 }
    ofShape.set(key, found)
    const { keepUntilMs } = cutoff
    found.keepUntilMs = Math.max(found.keepUntilMs, keepUntilMs)
    for (const field of CUTOFF_FIELDS) {
      const [value, before] = [cutoff[field], found.parts.get(field)]
      const isHigher = before === undefined || value > before.value
      if (isHigher || (value === before.value && keepUntilMs > before.keepUntilMs))
        found.parts.set(field, { value, keepUntilMs })
    }
  }

  #isIn(partition: number): boolean {
    return partition >= this.slice.from && partition < this.slice.to
  }
}

function cutoffOf(
  { issuedBeforeMs: before, basis, asOf }: CutoffTarget,
  now: { readonly at: Position; readonly atMs: number },
  keepUntilMs: number,
): Cutoff {
  const { at, atMs } = asOf ?? now
  const none = {
    plain: ORIGIN,
    plainAtMs: 0,
    datedBeforeMs: 0,
    dated: ORIGIN,
    authenticatedMs: 0,
    keepUntilMs,
  }
  if (basis === 'authenticated') return { ...none, authenticatedMs: Math.max(1, before ?? atMs) }
  return before === undefined
    ? { ...none, plain: at, plainAtMs: atMs }
    : { ...none, datedBeforeMs: before, dated: at }
}
