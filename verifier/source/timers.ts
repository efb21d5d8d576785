import type { Timers } from './follower.ts'

/** The longest that a timer can wait; one that is asked for more is due at once. */
const TIMER_MAX_MS = 2 ** 31 - 1

/**
 * Timers that count what was received before they judge. Where this process stood still, a timer is due together with
 * what came meanwhile, and Node runs it first: it would say "no answer in time" of an answer that is here. So its task
 * runs after what can be read now was read, in the same turn of the event loop.
 */
export const TIMERS: Timers = {
  after: (ms, task) => {
    let immediate: NodeJS.Immediate | undefined
    const timer = setTimeout(
      () => {
        immediate = setImmediate(task)
      },
      Math.min(ms, TIMER_MAX_MS),
    )
    return () => {
      clearTimeout(timer)
      clearImmediate(immediate)
    }
  },
  received: () => new Promise((resolve) => setImmediate(resolve)),
}
