import type { Clock } from '@rescind/core'

/**
 * The wall clock, but never behind where the monotonic clock says it must be since the start: when it steps back, what
 * was seen expired stays expired, and nothing is dated before what came earlier. A step forward is followed, and
 * forgotten when it is taken back.
 */
export function steadyClock(clock: Clock): Clock {
  const behindMs = clock.wallMs() - clock.monotonicMs()
  return {
    wallMs: () => Math.max(clock.wallMs(), Math.floor(behindMs + clock.monotonicMs())),
    monotonicMs: () => clock.monotonicMs(),
  }
}
