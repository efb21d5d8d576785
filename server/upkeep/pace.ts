import { GC_BATCH_MAX } from '@rescind/authority'

/** How long one step of the collection may keep a revocation that comes meanwhile waiting for its flush. */
const STEP_MS = 4
/** Records of the first step, and of the smallest. */
const BATCH_MIN = 20
/** While others write, the collection rests this many times as long as its step took: a fifth of the time is its own. */
const REST_TIMES = 4

export type PaceParts = {
  readonly monotonicMs: () => number
  readonly rest: (ms: number) => Promise<void>
  /** Writes submitted so far, by all callers. */
  readonly writes: () => number
}

/** What a step looked at, and how many writes it made. */
export type Step = { readonly looked: number; readonly writes: number }

/**
 * How fast the collection works: by what it measures, not by what was thought of beforehand. A step that took long is
 * followed by a smaller one, and while others write there is room for them between two steps.
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

  /** Steps until one finds less than it had room for, or `goesOn` says no. */
  async run(goesOn: () => boolean, step: (limit: number) => Promise<Step>): Promise<void> {
    const { monotonicMs, rest, writes } = this.#parts
    while (goesOn()) {
      const [startMs, before, limit] = [monotonicMs(), writes(), this.#batch]
      const done = await step(limit)
      const tookMs = monotonicMs() - startMs
      this.#batch = nextBatch(limit, tookMs)
      if (done.looked < limit) return
      const others = writes() - before - done.writes
      await rest(others > 0 ? tookMs * REST_TIMES : 0)
    }
  }
}

function nextBatch(batch: number, tookMs: number): number {
  if (tookMs > STEP_MS) return Math.max(BATCH_MIN, Math.floor(batch / 2))
  return tookMs < STEP_MS / 2 ? Math.min(GC_BATCH_MAX, batch + BATCH_MIN) : batch
}
