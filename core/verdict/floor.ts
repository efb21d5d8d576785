/** A wall clock that moves this far from the monotonic one has stepped: GC stops, and an operator must look. */
export const CLOCK_STEP_MS = 60_000
/** How long the two clocks must agree before the time while the server was off is believed. */
export const CLOCK_TRUST_MS = 3_600_000

/** How far two right clocks may be apart: what each may run fast or slow, and what an answer of the store may take. */
const DRIFT_SHARE = 0.01
const DRIFT_MS = 50
/** Time between two looks at which clocks are compared anew. */
const REBASE_MS = 60_000

export type ClockReading = { readonly wallMs: number; readonly monotonicMs: number }

/**
 * The floor: a durable time that only rises. What expires at or below it is over for good, whatever a clock says later, and
 * rules and records leave only below it. So it must never run ahead of real time. It rises with the monotonic clock, and
 * skips a larger gap (the server was off) only once the wall clock has kept pace with the monotonic one for an hour, or an
 * operator has confirmed the clock.
 */
export class Floor {
  /** When the two clocks last agreed. */
  #agreed: ClockReading
  #start: ClockReading
  #base: number
  #value: number
  #trusted = false

  constructor(durableMs: number, start: ClockReading) {
    this.#agreed = start
    this.#start = start
    this.#base = durableMs
    this.#value = durableMs
  }

  get ms(): number {
    return this.#value
  }

  /**
   * For a wall clock and a monotonic one of two machines, which drift apart in time though neither has stepped: they are
   * compared from this reading on if they have kept pace until now.
   */
  keepPace(now: ClockReading): void {
    const ran = now.monotonicMs - this.#agreed.monotonicMs
    if (ran < REBASE_MS || this.stepped(now)) return
    if (Math.abs(this.driftMs(now)) <= DRIFT_SHARE * ran + DRIFT_MS) this.#agreed = now
  }

  /** Whether the wall clock has stepped against the monotonic one since they last agreed. */
  stepped(now: ClockReading): boolean {
    return Math.abs(this.driftMs(now)) > CLOCK_STEP_MS
  }

  /** How far the wall clock is ahead of the time that the monotonic one implies. */
  driftMs(now: ClockReading): number {
    return now.wallMs - this.steadyMs(now)
  }

  /** The time by the monotonic clock, counted from when the two clocks last agreed. */
  steadyMs(now: ClockReading): number {
    return this.#agreed.wallMs + (now.monotonicMs - this.#agreed.monotonicMs)
  }

  /** The lowest possible time now: the floor at the start plus the time since. */
  leastMs(now: ClockReading): number {
    return this.#base + (now.monotonicMs - this.#start.monotonicMs)
  }

  /** Whether the floor is ahead of the wall clock: the clock was wrong earlier, or is wrong now. */
  isAhead(now: ClockReading): boolean {
    return this.#value - now.wallMs > CLOCK_STEP_MS
  }

  /** Raises the floor as far as the clocks allow. @returns the floor. */
  raise(now: ClockReading): number {
    if (this.stepped(now)) return this.#value
    const ran = now.monotonicMs - this.#start.monotonicMs
    if (ran >= CLOCK_TRUST_MS) this.#trusted = true
    // Whole milliseconds: monotonic clocks tick in fractions, and stores keep integers.
    const allowed = Math.floor(this.#trusted ? now.wallMs : Math.min(now.wallMs, this.#base + ran))
    if (allowed > this.#value) this.#value = allowed
    return this.#value
  }

  /** An operator vouches for the wall clock's present reading. */
  confirm(now: ClockReading): number {
    if (now.wallMs > this.#value) this.#value = now.wallMs
    this.#agreed = now
    this.#start = now
    this.#base = this.#value
    return this.#value
  }
}
