/** Lets everything that waits go first: long work is cut into pieces of a few milliseconds with this between them. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

const LOOK_MS = 10

/** Looks again and again whether the event loop is late, and tells by how many milliseconds. @returns what ends it. */
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
