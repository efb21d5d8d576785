import { GC_BATCH_MAX } from '@rescind/authority'

/** How long one step of the collection may delay the flush of a revocation. */
const STEP_MS = 4
/** How long a step may take in a store that sweeps beside the groups: it delays none of them. */
export const SWEEP_STEP_MS = 20
/** Records of the first step, which is the smallest size. */
const BATCH_MIN = 20
/**
 * While others write, the collection rests this many times as long as its step took, so it uses a fifth of the time.
 */
const REST_TIMES = 4

export type PaceParts = {
  readonly monotonicMs: () => number
  readonly rest: (ms: number) => Promise<void>
  /** Writes that all callers have submitted so far. */
  readonly writes: () => number
  /** How long a step may take. */
  readonly stepMs?: number
}

/** How many records a step looked at, and how many writes it made. */
export type Step = { readonly looked: number; readonly writes: number }

/**
 * Adapts the collection's speed to measured times. A slow step is followed by a smaller one. While others write, there
 * is a rest between two steps.
 */
export class Pace {
  readonly #parts: PaceParts
  #batch = BATCH_MIN

  constructor(parts: PaceParts) {
    this.#parts = parts
  }

  get batch(): number {
    return this.#batch
  }

  /** Runs steps until one finds less than it had room for, or `goesOn` says no. */
  async run(goesOn: () => boolean, step: (limit: number) => Promise<Step>): Promise<void> {
    const { monotonicMs, rest, writes, stepMs = STEP_MS } = this.#parts
    while (goesOn()) {
      const [startMs, before, limit] = [monotonicMs(), writes(), this.#batch]
      const done = await step(limit)
      const tookMs = monotonicMs() - startMs
      this.#batch = nextBatch(limit, tookMs / stepMs)
      if (done.looked < limit) return
      const others = writes() - before - done.writes
      await rest(others > 0 ? tookMs * REST_TIMES : 0)
    }
  }
}

/** @param took the share of its time that the step took. */
function nextBatch(batch: number, took: number): number {
  if (took > 1) return Math.max(BATCH_MIN, Math.floor(batch / 2))
  return took < 1 / 2 ? Math.min(GC_BATCH_MAX, batch + BATCH_MIN) : batch
}
