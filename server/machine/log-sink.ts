/** Takes bytes without blocking its caller. */
export type Outflow = {
  /** Reports later how many of the bytes were taken. Fewer than all is a failure, and the rest is written again. */
  readonly write: (bytes: Buffer, done: (taken: number) => void) => void
  /** The last chance before the process ends: bytes that cannot be taken at once are lost. */
  readonly writeNow: (bytes: Buffer) => void
}

/** Bytes of lines that may wait for the outflow. A line that finds no room is dropped and counted. */
const LOG_BUFFER_MAX_BYTES = 1_048_576
/** The most bytes of one write. */
const CHUNK_BYTES = 65_536
/** Milliseconds until an outflow that took nothing is tried again. */
const RETRY_MS = 250

export type LogSinkParts = {
  readonly outflow: Outflow
  readonly bufferMaxBytes?: number
  readonly after?: (delayMs: number, task: () => void) => void
  /** Called once lines are taken again, with the number that was dropped in between. */
  readonly onRecovered?: (dropped: number) => void
}

/**
 * Where log lines go. Logging must never delay an answer. A full volume or a stalled reader makes lines wait, within a
 * bound, and then the newest are dropped. The server goes on, and reports how many once it can.
 */
export class LogSink {
  readonly #outflow: Outflow
  readonly #bufferMaxBytes: number
  readonly #after: NonNullable<LogSinkParts['after']>
  readonly #onRecovered: (dropped: number) => void
  #lines: Buffer[] = []
  #waitingBytes = 0
  #isWriting = false
  #dropped = 0
  #untold = 0
  #idle: (() => void)[] = []

  constructor({ outflow, bufferMaxBytes, after, onRecovered }: LogSinkParts) {
    this.#outflow = outflow
    this.#bufferMaxBytes = bufferMaxBytes ?? LOG_BUFFER_MAX_BYTES
    this.#after = after ?? ((delayMs, task) => void setTimeout(task, delayMs).unref())
    this.#onRecovered = onRecovered ?? (() => {})
  }

  /** Lines that were dropped since the start. */
  get dropped(): number {
    return this.#dropped
  }

  /** Bytes that wait to be written. */
  get waitingBytes(): number {
    return this.#waitingBytes
  }

  write(line: string): void {
    const bytes = Buffer.from(line, 'utf8')
    if (this.#waitingBytes + bytes.length > this.#bufferMaxBytes) {
      this.#dropped += 1
      this.#untold += 1
      return
    }
    this.#lines.push(bytes)
    this.#waitingBytes += bytes.length
    if (!this.#isWriting) this.#pump()
  }

  /** Resolves once no line waits. Callers must bound the wait: it may never resolve. */
  whenIdle(): Promise<void> {
    if (this.#waitingBytes === 0) return Promise.resolve()
    return new Promise((resolve) => this.#idle.push(resolve))
  }

  /** Called before the process ends: writes what can be written at once. A write under way is left to the outflow. */
  end(): void {
    if (this.#isWriting || this.#lines.length === 0) return
    this.#outflow.writeNow(Buffer.concat(this.#lines))
    this.#lines = []
    this.#waitingBytes = 0
  }

  #pump(): void {
    if (this.#lines.length === 0) {
      for (const resolve of this.#idle.splice(0)) resolve()
      return
    }
    const chunk = this.#nextChunk()
    this.#isWriting = true
    this.#outflow.write(chunk, (taken) => this.#wrote(chunk, taken))
  }

  #nextChunk(): Buffer {
    let [count, bytes] = [0, 0]
    while (count < this.#lines.length && bytes < CHUNK_BYTES) {
      bytes += this.#lines[count]?.length ?? 0
      count += 1
    }
    return Buffer.concat(this.#lines.splice(0, count))
  }

  #wrote(chunk: Buffer, taken: number): void {
    this.#waitingBytes -= taken
    if (taken < chunk.length) {
      this.#lines.unshift(chunk.subarray(taken))
      // Stay busy until then, so that a new line does not try too early.
      this.#after(RETRY_MS, () => {
        this.#isWriting = false
        this.#pump()
      })
      return
    }
    this.#isWriting = false
    // Wait until there is room for the line that reports it.
    if (this.#untold > 0 && this.#waitingBytes * 2 <= this.#bufferMaxBytes) {
      const untold = this.#untold
      this.#untold = 0
      this.#onRecovered(untold)
    }
    if (!this.#isWriting) this.#pump()
  }
}
