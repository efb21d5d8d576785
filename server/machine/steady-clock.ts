import type { Clock } from '@rescind/core'

/**
 * The wall clock, but never behind the time that the monotonic clock has counted since the start. When the wall clock
 * steps back, tokens that were expired stay expired, and later events get no earlier dates. A step forward is followed,
 * and undone when the clock undoes it.
 */
export function steadyClock(clock: Clock): Clock {
  const behindMs = clock.wallMs() - clock.monotonicMs()
  return {
    wallMs: () => Math.max(clock.wallMs(), Math.floor(behindMs + clock.monotonicMs())),
    monotonicMs: () => clock.monotonicMs(),
  }
}
