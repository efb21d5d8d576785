import { type Cutoff, keepUntilOf, keptBeyondOf, type RevocationIndex, seqOf } from '@rescind/core'
import { CUTOFF_FIELDS, type FreshCutoff, type FreshFold } from './fresh-fold.ts'

/** How an index differs from its log. */
export type Differences = {
  /** What is revoked or held by the log and not by the index: it lets tokens pass. */
  missing: number
  /** What leaves the index before it may, or covers less than the log says. */
  short: number
  /** What no row of the log says, or not for so long: it refuses tokens that are good. */
  unexplained: number
}

export type Comparing = {
  readonly fold: FreshFold
  readonly index: RevocationIndex
  /** Up to where the log was trimmed when the fold had come to its end. */
  readonly anchorSeq: number
  readonly found: Differences
}

/** Keys and cutoffs of one piece: some milliseconds. */
const PIECE = 4_000

/**
 * Compares a fold with the index that stands at the same row. Between two pieces others may write, if the fold is level
 * with the index again before the next one. What is over at the floor may be in either of them, and in both.
 */
export function* compare(comparing: Comparing): Generator<void, void> {
  const { fold, index, found } = comparing
  if (fold.slice.from === 0) compareWhole(comparing)
  yield
  let looked = 0
  for (let partition = fold.slice.from; partition < fold.slice.to; partition += 1) {
    looked += compareKeys(comparing, partition)
    if (looked < PIECE) continue
    looked = 0
    yield
  }
  for (const [shape, ofShape] of fold.cutoffs) {
    for (const [key, due] of ofShape) {
      compareCutoff(due, { cutoff: index.cutoffs.get(shape)?.get(key), floorMs: index.floorMs, found })
      looked += 1
      if (looked % PIECE === 0) yield
    }
  }
  for (const [shape, table] of index.cutoffs) {
    // A table that grows meanwhile moves its keys: those that are passed over are looked at the next time.
    for (const [key] of table.entries()) {
      looked += 1
      if (looked % PIECE === 0) yield
      // Read after others may have written, and not before.
      const cutoff = fold.has(key) ? table.get(key) : undefined
      if (cutoff !== undefined) explain(cutoff, fold.cutoffs.get(shape)?.get(key), comparing)
    }
  }
}

/** What has no key of its own: holds, which kinds of exact targets were ever ended, what a restore lost. */
function compareWhole({ fold, index, anchorSeq, found }: Comparing): void {
  for (const kind of fold.kinds) if (!index.endedKinds.has(kind)) found.missing += 1
  if (index.lostBelow < fold.lostBelow) found.short += 1
  for (const [id, { at }] of fold.holds) {
    // A hold that is in force is never trimmed off; the row that lifted this one was, before it was read.
    if (seqOf(at) <= anchorSeq) continue
    const placed = index.holds.positionOf(id)
    if (placed === undefined) found.missing += 1
    else if (placed < at) found.short += 1
  }
  for (const [id, { at }] of index.holds.entries()) {
    const hold = fold.holds.get(id)
    if (hold === undefined || at > hold.at) found.unexplained += 1
  }
}

/** @returns how many keys it looked at. */
function compareKeys({ fold, index, found }: Comparing, partition: number): number {
  const { floorMs } = index
  let looked = 0
  fold.ended.visit(partition, partition + 1, (words, at, keep) => {
    looked += 1
    if (keepUntilOf(keep) <= floorMs) return
    const kept = index.ended.keepOfWords(words, at)
    if (kept === 0) found.missing += 1
    else if (kept < keep) found.short += 1
  })
  index.ended.visit(partition, partition + 1, (words, at, keep) => {
    looked += 1
    // Its row may be over, and gone, before the unit is that the table rounds up to.
    if (keptBeyondOf(keep) >= floorMs && fold.ended.keepOfWords(words, at) < keep) found.unexplained += 1
  })
  return looked
}

type Compared = {
  readonly cutoff: Cutoff | undefined
  readonly floorMs: number
  readonly found: Differences
}

function compareCutoff({ parts, keepUntilMs }: FreshCutoff, { cutoff, floorMs, found }: Compared): void {
  if (keepUntilMs <= floorMs) return
  if (cutoff === undefined) {
    found.missing += 1
    return
  }
  const isShort = CUTOFF_FIELDS.some((field) => {
    const due = parts.get(field)
    // The index may have dropped what a row said that is over, before a later row brought the key back.
    return due !== undefined && due.keepUntilMs > floorMs && cutoff[field] < due.value
  })
  if (isShort || cutoff.keepUntilMs < keepUntilMs) found.short += 1
}

function explain(
  cutoff: Cutoff,
  fresh: FreshCutoff | undefined,
  { index, anchorSeq, found }: Comparing,
): void {
  if (cutoff.keepUntilMs <= index.floorMs) return
  const isExplained =
    fresh !== undefined &&
    cutoff.keepUntilMs <= fresh.keepUntilMs &&
    // A row that is over may be trimmed off while another one keeps the key.
    (anchorSeq > 0 || CUTOFF_FIELDS.every((field) => cutoff[field] <= (fresh.parts.get(field)?.value ?? 0)))
  if (!isExplained) found.unexplained += 1
}
