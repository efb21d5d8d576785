import { ContractBroken, unreachable } from '../faults.ts'
import { KEEP_FOREVER_MS } from '../lifetimes.ts'
import { cutoffKeyOf, type IndexKey, keysOfExact } from '../log/index-keys.ts'
import type { Epoch } from '../log/lineage.ts'
import { decodeRule, isLegacyKeep, tokenRuleKeys } from '../log/rule-bytes.ts'
import {
  CUTOFF_SHAPES,
  type CutoffAsOf,
  type CutoffShape,
  type CutoffTarget,
  type ExactTarget,
  type LogRow,
  type RevokeRule,
  type Rule,
  type Target,
} from '../log/rules.ts'
import { ORIGIN, type Position, position } from '../position.ts'
import { type Cutoff, CutoffTable } from './cutoff-table.ts'
import { HoldTable } from './hold-table.ts'
import { KEEP_FOREVER, KeyTable, PARTITIONS, type Removals } from './key-table.ts'
import { type LegacyKeep, legacyForGood } from './legacy-keep.ts'

/** The state of an index that was not folded from the log's first row. */
export type Adopted = {
  readonly epochs: readonly Epoch[]
  readonly seq: number
  readonly lostBelow: Position
  readonly floorMs: number
}

/** What folding a row tells the caller: the cutoff as it was before, so that the caller knows which tokens were newly ended. */
export type Folded = { readonly previousCutoff?: Cutoff }

/**
 * A realm's log, folded: everything that can make a verdict negative, and nothing else. Rows come in order and without a
 * gap. Folding the same rows always gives the same index.
 */
export class RevocationIndex {
  readonly digestKey: string
  readonly #removals: Removals = { floorMs: 0, early: 0 }
  readonly ended: KeyTable = new KeyTable(this.#removals)
  readonly holds: HoldTable
  /** One table per shape that has cutoffs; other shapes cost a check nothing. */
  readonly cutoffs: Map<CutoffShape, CutoffTable> = new Map()
  /** Kinds of exact targets that were ever ended; a check computes no keys for the other kinds. */
  readonly endedKinds: Set<ExactTarget['kind']> = new Set()
  #seq = 0
  #ordinal = 0
  #epochId = ''
  readonly #epochs: Epoch[] = []
  #lostBelow: Position = ORIGIN
  readonly #legacy: LegacyKeep
  readonly #forGood: ForGood = new ForGood()

  /** @param legacy how long rules in rows of older versions count. */
  constructor(digestKey: string, legacy: LegacyKeep = legacyForGood) {
    this.digestKey = digestKey
    this.#legacy = legacy
    this.holds = new HoldTable(digestKey)
  }

  get seq(): number {
    return this.#seq
  }

  /** The position of this index; verdicts from it are as of this position. */
  get head(): Position {
    return position(this.#ordinal, this.#seq)
  }

  get epochId(): string {
    return this.#epochId
  }

  /** Every epoch of this log, oldest first. */
  get epochs(): readonly Epoch[] {
    return this.#epochs
  }

  /** Everything issued before this position was lost by a restore. */
  get lostBelow(): Position {
    return this.#lostBelow
  }

  get floorMs(): number {
    return this.#removals.floorMs
  }

  /** Keys and cutoffs that left before the floor allowed it; must stay zero. */
  get removedEarly(): number {
    return this.#removals.early
  }

  /**
   * @throws ContractBroken when a row is missing or cannot be understood. The index then stays where it was, so that asking
   * again cannot skip the row.
   */
  fold(row: LogRow): Folded {
    if (row.seq !== this.#seq + 1) throw new ContractBroken(`log row ${row.seq} after ${this.#seq}`)
    const token = tokenRuleKeys(row)
    if (token === undefined) {
      const folded = this.#apply(decodeRule(row), row)
      this.#seq = row.seq
      return folded
    }
    this.#seq = row.seq
    this.endedKinds.add('token')
    this.ended.addBytes(row.rule, token.digestAt, token.keepUntilMs)
    this.ended.addBytes(row.rule, token.handleKeyAt, token.keepUntilMs)
    return NOTHING
  }

  /** Folds a row that may follow trimmed ones, none of which affects a verdict. */
  foldKept(row: LogRow): void {
    this.passTo(row.seq - 1)
    this.fold(row)
  }

  /** Counts rows up to this seq as folded, because they were trimmed off. @throws ContractBroken when seq lies behind. */
  passTo(seq: number): void {
    if (seq < this.#seq) throw new ContractBroken(`the log goes back from row ${this.#seq} to ${seq}`)
    this.#seq = seq
  }

  #apply(rule: Rule, row: LogRow): Folded {
    const { seq, atMs } = row
    const at = position(this.#ordinal, seq)
    switch (rule.kind) {
      case 'revoke':
        return this.#revoke(rule, { at, atMs }, row)
      case 'hold':
        this.holds.place(rule.id, rule.target, at)
        return NOTHING
      case 'release':
        this.holds.lift(rule.id)
        return NOTHING
      case 'change':
        return NOTHING
      case 'epoch':
        this.#ordinal = rule.ordinal
        this.#epochId = rule.epochId
        this.#epochs.push({ ordinal: rule.ordinal, epochId: rule.epochId, seq })
        if (rule.lostBelow > this.#lostBelow) this.#lostBelow = rule.lostBelow
        return NOTHING
      default:
        return unreachable(rule)
    }
  }

  raiseFloor(ms: number): void {
    if (ms > this.#removals.floorMs) this.#removals.floorMs = ms
  }

  /** Forgets rules that cannot hit anything alive at the floor; one slice of each table per call. */
  dropExpired(slice: number): void {
    this.ended.dropExpired(this.floorMs, slice)
    for (const [shape, table] of this.cutoffs) {
      table.dropExpired(this.floorMs, slice)
      if (table.size === 0) this.cutoffs.delete(shape)
    }
  }

  /** Until when a rule of this log is kept; rows of older versions do not decide that themselves. */
  keptUntilMs(row: Pick<LogRow, 'rule'>, rule: RevokeRule): number {
    return isLegacyKeep(row) ? this.#legacy(rule) : rule.keepUntilMs
  }

  /** Call before folding many rows. The index cannot be queried until `endFill`. @param keys about how many will come. */
  beginFill(keys: number): void {
    this.ended.beginFill(keys)
  }

  endFill(): void {
    this.ended.endFill()
    this.#forGood.endFill()
  }

  /** How many rules never leave, by the kind of their target. */
  get keptForGood(): Readonly<Record<Target['kind'], number>> {
    const { grant, session, key, foreign } = this.#forGood.counts
    let cutoff = 0
    for (const table of this.cutoffs.values()) cutoff += table.forGood
    // A token has two keys, every other target one.
    const token = Math.max(0, (this.ended.forGood - grant - session - key - foreign) / 2)
    return { token, foreign, grant, session, key, cut: cutoff }
  }

  #revoke(rule: RevokeRule, now: CutoffAsOf, row: LogRow): Folded {
    const { target } = rule
    const keepUntilMs = this.keptUntilMs(row, rule)
    if (target.kind === 'cut') return this.#cutoff(target, now, keepUntilMs)
    this.endedKinds.add(target.kind)
    for (const key of keysOfExact(this.digestKey, target)) {
      const isNew = this.ended.add(key, keepUntilMs)
      if (isNew && keepUntilMs >= KEEP_FOREVER_MS) this.#forGood.add(target.kind, key, this.ended.isFilling)
    }
    return NOTHING
  }

  #cutoff(target: CutoffTarget, now: CutoffAsOf, keepUntilMs: number): Folded {
    const key = cutoffKeyOf(this.digestKey, target.shape, target.principals)
    if (key === undefined) throw new ContractBroken(`a cutoff of shape ${target.shape} without its names`)
    const table = this.#tableOf(target.shape)
    const previousCutoff = table.get(key)
    const dated = target.issuedBeforeMs
    const byLogin = target.basis === 'authenticated'
    const isPlain = dated === undefined && !byLogin
    const isDated = dated !== undefined && !byLogin
    const asOf = target.asOf ?? now
    table.raise(key, {
      plain: isPlain ? asOf.at : ORIGIN,
      plainAtMs: isPlain ? asOf.atMs : 0,
      datedBeforeMs: isDated ? dated : 0,
      dated: isDated ? asOf.at : ORIGIN,
      authenticatedMs: byLogin ? Math.max(1, dated ?? asOf.atMs) : 0,
      keepUntilMs,
    })
    return previousCutoff === undefined ? NOTHING : { previousCutoff }
  }

  /** Takes over a snapshot's position in the log; the caller adds the snapshot's entries. */
  adopt({ epochs, seq, lostBelow, floorMs }: Adopted): void {
    const last = epochs.at(-1)
    this.#epochs.splice(0, this.#epochs.length, ...epochs)
    this.#seq = seq
    this.#ordinal = last?.ordinal ?? 0
    this.#epochId = last?.epochId ?? ''
    this.#lostBelow = lostBelow
    this.raiseFloor(floorMs)
  }

  /** Adds every negative fact of another index with its own end: revocations of an epoch that was lost stay in force. */
  absorb(other: RevocationIndex): void {
    for (const kind of other.endedKinds) this.endedKinds.add(kind)
    other.ended.visit(0, PARTITIONS, (words, at, keep) => this.ended.addWords(words, at, keep))
    for (const [shape, table] of other.cutoffs) {
      for (const [key, cutoff] of table.entries()) this.#tableOf(shape).raise(key, cutoff)
    }
    for (const [id, { target, at }] of other.holds.entries()) this.holds.place(id, target, at)
    if (other.lostBelow > this.#lostBelow) this.#lostBelow = other.lostBelow
    this.raiseFloor(other.floorMs)
  }

  /** A copy in which negative facts never expire. */
  allForGood(): RevocationIndex {
    const copy = new RevocationIndex(this.digestKey)
    copy.adopt({ epochs: this.#epochs, seq: this.#seq, lostBelow: this.#lostBelow, floorMs: this.floorMs })
    for (const kind of this.endedKinds) copy.endedKinds.add(kind)
    this.ended.visit(0, PARTITIONS, (words, at) => copy.ended.addWords(words, at, KEEP_FOREVER))
    for (const [shape, table] of this.cutoffs) {
      for (const [key, cutoff] of table.entries())
        copy.raiseCutoff(shape, key, { ...cutoff, keepUntilMs: KEEP_FOREVER_MS })
    }
    for (const [id, { target, at }] of this.holds.entries()) copy.holds.place(id, target, at)
    return copy
  }

  raiseCutoff(shape: CutoffShape, key: IndexKey, cutoff: Cutoff): void {
    this.#tableOf(shape).raise(key, cutoff)
  }

  #tableOf(shape: CutoffShape): CutoffTable {
    const found = this.cutoffs.get(shape)
    if (found !== undefined) return found
    const made = new CutoffTable(this.#removals)
    this.cutoffs.set(shape, made)
    return made
  }
}

const NOTHING: Folded = {}

/** Counts targets ended for good, by kind. A table that is being filled cannot tell repeated keys apart, so this does. */
class ForGood {
  readonly counts: Record<ExactTarget['kind'], number> = {
    token: 0,
    foreign: 0,
    grant: 0,
    session: 0,
    key: 0,
  }
  readonly #filling: Set<IndexKey> = new Set()

  add(kind: ExactTarget['kind'], key: IndexKey, isFilling: boolean): void {
    // Tokens come by the million; `keptForGood` derives their number from the rest.
    if (kind === 'token' || (isFilling && this.#filling.has(key))) return
    if (isFilling) this.#filling.add(key)
    this.counts[kind] += 1
  }

  endFill(): void {
    this.#filling.clear()
  }
}

/** How many cutoffs there are, of all shapes; for gauges. */
export function cutoffCount(index: RevocationIndex): number {
  return CUTOFF_SHAPES.reduce((total, shape) => total + (index.cutoffs.get(shape)?.size ?? 0), 0)
}
