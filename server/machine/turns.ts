/** Lets all waiting work run first. Long work is cut into pieces of a few milliseconds with this between them. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

const LOOK_MS = 10

/**
 * Looks regularly whether the event loop is late, and reports by how many milliseconds. @returns a function that stops
 * it.
 */
export function watchTurns(late: (ms: number) => void, monotonicMs: () => number): () => void {
  let dueMs = monotonicMs() + LOOK_MS
  const timer = setInterval(() => {
    const nowMs = monotonicMs()
    late(Math.max(0, nowMs - dueMs))
    dueMs = nowMs + LOOK_MS
  }, LOOK_MS)
  timer.unref()
  return () => clearInterval(timer)
}
