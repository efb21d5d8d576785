import type { Checkpoint } from '@rescind/core/log'

/** Whether the server's log ends before a checkpoint that it issued earlier. */
export function isBehind(at: Checkpoint | undefined, than: Checkpoint | undefined): boolean {
  if (at === undefined || than === undefined) return false
  if (at.ordinal !== than.ordinal) return at.ordinal < than.ordinal
  return at.epochId !== than.epochId || at.seq < than.seq
}

/** Whether the same place of the log has another history. */
export function isOther(at: Checkpoint, own: Checkpoint): boolean {
  return at.ordinal === own.ordinal && at.seq === own.seq && at.chain !== own.chain
}
