import { Buckets } from './buckets.ts'

const WRITES_BOUNDS: readonly number[] = [1, 2, 4, 8, 16, 32, 64, 128, 256]

/** How long the store took over its groups, and how many writes were in them. */
export class FlushBuckets {
  readonly commits: Buckets = new Buckets()
  /** The waiting for the disk; empty where the store does not tell. */
  readonly syncs: Buckets = new Buckets()
  readonly writes: Buckets = new Buckets(WRITES_BOUNDS)
  readonly monotonicMs: () => number

  constructor(monotonicMs: () => number) {
    this.monotonicMs = monotonicMs
  }

  readonly flushed = (writes: number, ms: number, syncMs: number | undefined): void => {
    this.writes.add(writes)
    this.commits.add(ms)
    if (syncMs !== undefined) this.syncs.add(syncMs)
  }
}
