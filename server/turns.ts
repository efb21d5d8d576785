/** Lets everything that waits go first: long work is cut into pieces of a few milliseconds with this between them. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
