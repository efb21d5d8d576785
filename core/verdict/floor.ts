/** A wall clock that has moved this much against the monotonic one stepped; GC stops and an operator must look. */
export const CLOCK_STEP_MS = 60_000
/** How long the two clocks must agree before time that passed while the server was off is believed. */
export const CLOCK_TRUST_MS = 3_600_000

export type ClockReading = { readonly wallMs: number; readonly monotonicMs: number }

/**
 * The floor: a durable time that only rises. What expires at or below it is over for good, whatever the clock says
 * later; rules and records leave only below it. So it must never run ahead of real time: it rises by the time that
 * the monotonic clock has seen, and takes over a larger gap (the server was off) only when the wall clock has kept
 * pace with the monotonic one for an hour, or when an operator confirms the clock.
 */
export class Floor {
  #start: ClockReading
  #base: number
  #value: number
  #trusted = false

  constructor(durableMs: number, start: ClockReading) {
    this.#start = start
    this.#base = durableMs
    this.#value = durableMs
  }

  get ms(): number {
    return this.#value
  }

  /** Whether the wall clock has stepped against the monotonic one since the start. */
  stepped(now: ClockReading): boolean {
    return Math.abs(this.driftMs(now)) > CLOCK_STEP_MS
  }

  /** How far the wall clock is ahead of where the monotonic one says it must be. */
  driftMs(now: ClockReading): number {
    return now.wallMs - this.steadyMs(now)
  }

  /** The time by the monotonic clock, counted from when the two were last taken to agree. */
  steadyMs(now: ClockReading): number {
    return this.#start.wallMs + (now.monotonicMs - this.#start.monotonicMs)
  }

  /** The least that it can be: the floor as it was at the start, and what has run since. */
  leastMs(now: ClockReading): number {
    return this.#base + (now.monotonicMs - this.#start.monotonicMs)
  }

  /** Whether the wall clock is behind what was seen durably: it was wrong then, or is wrong now. */
  isAhead(now: ClockReading): boolean {
    return this.#value - now.wallMs > CLOCK_STEP_MS
  }

  /** Raises the floor as far as the clocks allow; @returns it. */
  raise(now: ClockReading): number {
    if (this.stepped(now)) return this.#value
    const ran = now.monotonicMs - this.#start.monotonicMs
    if (ran >= CLOCK_TRUST_MS) this.#trusted = true
    // Whole milliseconds: monotonic clocks tick in fractions, stores keep integers.
    const allowed = Math.floor(this.#trusted ? now.wallMs : Math.min(now.wallMs, this.#base + ran))
    if (allowed > this.#value) this.#value = allowed
    return this.#value
  }

  /** An operator vouches for the wall clock as it reads now. */
  confirm(now: ClockReading): number {
    if (now.wallMs > this.#value) this.#value = now.wallMs
    this.#start = now
    this.#base = this.#value
    return this.#value
  }
}
