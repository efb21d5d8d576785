/** Where a stream of one reader goes. It takes whatever is written; how much waits in it is for the writer to heed. */
export type Sink = {
  readonly write: (chunk: string | Uint8Array) => void
  /** Bytes that were written and that the reader has not taken yet. */
  readonly pendingBytes: () => number
  /** Resolves when nothing much is pending any more, or nobody is there. */
  readonly drained: () => Promise<void>
  /** Sends what is pending, if the reader takes it within this time, and ends. */
  readonly end: (withinMs: number) => void
  readonly onClose: (listener: () => void) => void
}
