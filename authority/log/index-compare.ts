import { type Cutoff, keepUntilOf, keptBeyondOf, type RevocationIndex, seqOf } from '@rescind/core'
import { CUTOFF_FIELDS, type FreshCutoff, type FreshFold } from './fresh-fold.ts'

/** How an index differs from its log. */
export type Differences = {
  /** Revoked or held in the log but not in the index: tokens pass that must not. */
  missing: number
  /** In the index, but leaves it too early or covers less than the log says. */
  short: number
  /** Not in the log, or not for so long: valid tokens are refused. */
  unexplained: number
}

export type Comparing = {
  readonly fold: FreshFold
  readonly index: RevocationIndex
  /** The end of the trimmed rows when the fold was complete. */
  readonly anchorSeq: number
  readonly found: Differences
}

/** Keys and cutoffs compared in one piece: some milliseconds. */
const PIECE = 4_000

/**
 * Compares a fold with the index at the same row. Others may write between two pieces, provided that the fold catches up
 * before the next one. Entries that expired below the floor are ignored: either side may still have them.
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
    // A table that grows meanwhile moves its keys; keys missed here are checked the next time.
    for (const [key] of table.entries()) {
      looked += 1
      if (looked % PIECE === 0) yield
      // Read it now, because others may have written since the walk began.
      const cutoff = fold.has(key) ? table.get(key) : undefined
      if (cutoff !== undefined) explain(cutoff, fold.cutoffs.get(shape)?.get(key), comparing)
    }
  }
}

/** Compares what has no partition: holds, the kinds of targets ever ended, and what a restore lost. */
function compareWhole({ fold, index, anchorSeq, found }: Comparing): void {
  for (const kind of fold.kinds) if (!index.endedKinds.has(kind)) found.missing += 1
  if (index.lostBelow < fold.lostBelow) found.short += 1
  for (const [id, { at }] of fold.holds) {
    // A hold in force is never trimmed, so a hold up to the anchor was lifted by a row that was trimmed before it was read.
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
    // The table rounds keeps up to a unit, so the row may have expired and gone before its key.
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
    // The index may have dropped a field whose row expired, before a later row brought the key back.
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
    // An expired row may be trimmed while another row keeps the key.
    (anchorSeq > 0 || CUTOFF_FIELDS.every((field) => cutoff[field] <= (fresh.parts.get(field)?.value ?? 0)))
  if (!isExplained) found.unexplained += 1
}
