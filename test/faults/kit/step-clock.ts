import type { Clock } from '@rescind/core'

/** Two clocks that a test controls: time runs on both, and only the wall clock can be set. */
export class StepClock implements Clock {
  #wallMs: number
  #monotonicMs = 0

  constructor(wallMs: number) {
    this.#wallMs = wallMs
  }

  wallMs(): number {
    return this.#wallMs
  }

  monotonicMs(): number {
    return this.#monotonicMs
  }

  run(ms: number): void {
    this.#wallMs += ms
    this.#monotonicMs += ms
  }

  /** Sets the wall clock. */
  step(ms: number): void {
    this.#wallMs += ms
  }
}
