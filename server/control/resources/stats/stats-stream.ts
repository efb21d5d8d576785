import type { Sink } from '@rescind/authority'
import { isOutage } from '@rescind/core'
import type { Follower, ResetWhy } from '@rescind/feed'
import type { StatsJson } from './stats-json.ts'

/**
 * Most bytes that may wait for one reader: a few events. A slower one is disconnected, because it would be shown the past.
 */
const PENDING_MAX_BYTES = 65_536
/** Time for a reader to take the end of its stream; after it, the connection is cut. */
const END_TIMEOUT_MS = 1_000

export type StatsStreamParts = {
  /** @throws StoreUnavailable. */
  readonly read: () => Promise<StatsJson>
}

/** The stats of a realm, again and again until the reader leaves or its key ends. */
export class StatsStream implements Follower {
  readonly #read: StatsStreamParts['read']
  readonly #sink: Sink
  readonly #timer: NodeJS.Timeout
  #isReading = false
  #open = true

  constructor({ read }: StatsStreamParts, sink: Sink, everyMs: number) {
    this.#read = read
    this.#sink = sink
    this.#timer = setInterval(() => this.tick(), everyMs)
    this.#timer.unref()
    sink.onClose(() => this.#leave())
    this.tick()
  }

  /** Begins the next event, unless the one before is not done. */
  tick(): void {
    if (!this.#isReading) void this.#tell()
  }

  /** Events come more often than proxies close what is idle. */
  pulse(): void {}

  disconnect(why: ResetWhy): void {
    this.#end(why)
  }

  /** Never rejects: if the store cannot be read, the stream ends, and its reader asks again. */
  async #tell(): Promise<void> {
    this.#isReading = true
    try {
      const stats = await this.#read()
      if (!this.#open) return
      this.#sink.write(`event: stats\ndata: ${JSON.stringify(stats)}\n\n`)
      if (this.#sink.pendingBytes() > PENDING_MAX_BYTES) this.#end('slow')
    } catch (error) {
      if (!isOutage(error)) throw error
      this.#leave()
      this.#sink.end(END_TIMEOUT_MS)
    } finally {
      this.#isReading = false
    }
  }

  #end(why: ResetWhy): void {
    if (!this.#open) return
    this.#leave()
    this.#sink.write(`event: end\ndata: ${JSON.stringify({ why })}\n\n`)
    this.#sink.end(END_TIMEOUT_MS)
  }

  #leave(): void {
    this.#open = false
    clearInterval(this.#timer)
  }
}
