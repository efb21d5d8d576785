import type { Timers } from './follower.ts'

/** The longest wait of a Node timer; a longer one would be due at once. */
const TIMER_MAX_MS = 2 ** 31 - 1

/**
 * Timers whose tasks run after pending input was read. When this process stood still, a timer is due together with data that
 * came meanwhile, and Node runs the timer first: it would report "no answer in time" although the answer is there. So the
 * task runs later in the same turn of the event loop, after the input that is ready.
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
