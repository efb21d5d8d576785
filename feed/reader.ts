import type { Realm, Sink } from '@rescind/authority'
import { isOutage } from '@rescind/core'
import type { Channel, LiveReader } from './channel.ts'
import type { Checkpoints } from './checkpoints.ts'
import { type Format, Frame, pulseText, type ResetWhy, resetText } from './frames.ts'

/**
 * Most bytes that may wait for one reader. Frames are shared, so this bounds how far behind a reader may be rather than its
 * memory. A slower reader is disconnected, returns later, and catches up from the store.
 */
export const PENDING_MAX_BYTES = 1_048_576
const ROWS_PER_READ = 200
/** Time for a reader to take the end of its stream; after it, the connection is cut. */
const END_TIMEOUT_MS = 1_000

export type ReaderParts = {
  readonly realm: Realm
  readonly channel: Channel
  readonly checkpoints: Checkpoints
  readonly sink: Sink
  readonly format: Format
  /** The last row that this reader has. */
  readonly after: number
}

/** One stream: catches up at its reader's speed, then takes each group as it comes. */
export class Reader implements LiveReader {
  readonly #parts: ReaderParts
  #cursor: number
  #open = true

  constructor(parts: ReaderParts) {
    this.#parts = parts
    this.#cursor = parts.after
    parts.sink.onClose(() => this.#leave())
  }

  start(): void {
    void this.#catchUp()
  }

  take(frame: Frame): void {
    const { sink, format } = this.#parts
    sink.write(frame.bytes(format))
    this.#cursor = frame.seq
    if (sink.pendingBytes() > PENDING_MAX_BYTES) this.disconnect('slow')
  }

  readOn(): void {
    void this.#catchUp()
  }

  pulse(): void {
    const { sink, format } = this.#parts
    if (this.#open && sink.pendingBytes() === 0) sink.write(pulseText(format))
  }

  disconnect(why: ResetWhy): void {
    if (!this.#open) return
    this.#leave()
    const { sink, format } = this.#parts
    sink.write(resetText(why, format))
    sink.end(END_TIMEOUT_MS)
  }

  #leave(): void {
    this.#open = false
    this.#parts.channel.leave(this)
  }

  /** Never rejects: if the store cannot be read, the stream ends, and its reader returns. */
  async #catchUp(): Promise<void> {
    const { channel, sink } = this.#parts
    try {
      while (this.#open) {
        if (this.#cursor === channel.seq) {
          channel.join(this)
          return
        }
        const frame = channel.recentAfter(this.#cursor) ?? (await this.#read())
        if (!this.#open) return
        if (frame === undefined) {
          this.disconnect('position')
          return
        }
        sink.write(frame.bytes(this.#parts.format))
        this.#cursor = frame.seq
        await sink.drained()
      }
    } catch (error) {
      if (!isOutage(error)) throw error
      this.#leave()
      sink.end(END_TIMEOUT_MS)
    }
  }

  async #read(): Promise<Frame | undefined> {
    const { realm, checkpoints } = this.#parts
    const rows = await realm.store.chainedRowsAfter(realm.ordinal, this.#cursor, ROWS_PER_READ)
    const last = rows.at(-1)
    if (last === undefined || rows[0]?.seq !== this.#cursor + 1) return undefined
    return new Frame({
      prev: this.#cursor,
      position: checkpoints.text(checkpoints.at(last.seq, last.chain)),
      rows,
    })
  }
}
