import type { Store } from '../ports.ts'

/** Told of each group that the store has made durable. */
export type FlushTimes = {
  /** Milliseconds of a clock that only runs forward. */
  readonly monotonicMs: () => number
  /** @param syncMs the part of it in which the disk was waited for, if the store knows that. */
  readonly flushed: (writes: number, ms: number, syncMs: number | undefined) => void
}

/** The store's commit, timed. A group that fails is told of by its callers' errors instead. */
export function timedCommit(store: Store, times: FlushTimes | undefined): Store['commit'] {
  if (times === undefined) return (group) => store.commit(group)
  return async (group) => {
    const beginMs = times.monotonicMs()
    const outcome = await store.commit(group)
    times.flushed(group.writes.length, times.monotonicMs() - beginMs, outcome.syncMs)
    return outcome
  }
}
