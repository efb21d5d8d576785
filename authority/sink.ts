/** Where the bytes of one reader's stream go. It takes everything; the writer must watch how much is pending. */
export type Sink = {
  readonly write: (chunk: string | Uint8Array) => void
  /** Bytes written that the reader has not taken yet. */
  readonly pendingBytes: () => number
  /** Resolves when little is pending, or the reader is gone. */
  readonly drained: () => Promise<void>
  /** Sends what is pending, if the reader takes it within this time, and ends. */
  readonly end: (withinMs: number) => void
  readonly onClose: (listener: () => void) => void
}
