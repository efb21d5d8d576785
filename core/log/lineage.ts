import type { Place } from './checkpoint-text.ts'

/** An epoch of a log: its rows are those from `seq` (its own row) to the next epoch's. */
export type Epoch = { readonly ordinal: number; readonly epochId: string; readonly seq: number }

/**
 * How a place that somebody presents stands to a log:
 * `on`: it is in this log, if its chain is the one that the log has there; `left`: it lies in an epoch that this log
 * left earlier, so its holder knows rows that this log lost; `fork`: it proves that this log was rolled back or split.
 */
export type Standing = 'on' | 'left' | 'fork'

/** @param head the log's own end, read after the place was presented. */
export function standingOf(place: Place, epochs: readonly Epoch[], head: { readonly seq: number }): Standing {
  const at = epochs.findIndex(({ ordinal }) => ordinal === place.ordinal)
  const epoch = epochs[at]
  // An ordinal beyond all that this log knows: it was rolled back to before that epoch began.
  if (epoch === undefined) return isBeyond(place, epochs) ? 'fork' : 'left'
  if (epoch.epochId !== place.epochId) return 'fork'
  if (place.seq < epoch.seq) return 'fork'
  const next = epochs[at + 1]
  if (next === undefined) return place.seq > head.seq ? 'fork' : 'on'
  return place.seq >= next.seq ? 'left' : 'on'
}

function isBeyond({ ordinal }: Place, epochs: readonly Epoch[]): boolean {
  const last = epochs.at(-1)
  return last === undefined || ordinal > last.ordinal
}
