import type { Checkpoint } from './checkpoint-text.ts'

/** An epoch of a log: its rows run from `seq`, its own row, to the next epoch's. */
export type Epoch = { readonly ordinal: number; readonly epochId: string; readonly seq: number }

/**
 * How a presented checkpoint relates to a log. `on`: it is in this log, provided that its chain matches the log's there.
 * `left`: it lies in an epoch that this log left earlier, so its holder knows rows that this log lost. `fork`: it proves
 * that this log was rolled back or split.
 */
export type LogRelation = 'on' | 'left' | 'fork'

/** @param head the log's own end, read after the checkpoint was presented. */
export function relationOf(
  checkpoint: Checkpoint,
  epochs: readonly Epoch[],
  head: { readonly seq: number },
): LogRelation {
  const at = epochs.findIndex(({ ordinal }) => ordinal === checkpoint.ordinal)
  const epoch = epochs[at]
  // An ordinal beyond this log's: it was rolled back to before that epoch began.
  if (epoch === undefined) return isBeyond(checkpoint, epochs) ? 'fork' : 'left'
  if (epoch.epochId !== checkpoint.epochId) return 'fork'
  if (checkpoint.seq < epoch.seq) return 'fork'
  const next = epochs[at + 1]
  if (next === undefined) return checkpoint.seq > head.seq ? 'fork' : 'on'
  return checkpoint.seq >= next.seq ? 'left' : 'on'
}

function isBeyond({ ordinal }: Checkpoint, epochs: readonly Epoch[]): boolean {
  const last = epochs.at(-1)
  return last === undefined || ordinal > last.ordinal
}
