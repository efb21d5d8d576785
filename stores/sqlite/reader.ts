import { Thread } from './thread.ts'
import type { ReaderAsk } from './thread-messages.ts'

type Read = {
  readonly ask: ReaderAsk
  readonly resolve: (value: unknown) => void
  readonly reject: (error: unknown) => void
}

/**
 * The main thread's end of the reader thread. Short asks go to it at once. Reads of many rows wait for their turn: one is
 * under way at a time, and one page is handed over per turn of the event loop. So a commit or a request waits behind one
 * page at most, however many lists are requested.
 */
export class Reader {
  readonly #thread: Thread<ReaderAsk> = new Thread<ReaderAsk>('reader-thread')
  /** Reads by index, and walks through a table. They take turns, so that neither starves the other. */
  readonly #lists: Read[] = []
  readonly #walks: Read[] = []
  #isRunning = false
  #held: Promise<void> | undefined

  /** Delays later asks, and reads that wait for their turn, until this settles. @param until never rejects. */
  hold(until: Promise<void>): void {
    const held = until.then(() => {
      if (this.#held === held) this.#held = undefined
    })
    this.#held = held
  }

  /** Runs even while other asks are held; for opening and closing the store. @throws StoreUnavailable. */
  now<T>(ask: ReaderAsk): Promise<T> {
    return this.#thread.ask<T>(ask)
  }

  /** For short reads, and those that must not wait behind lists. @throws StoreUnavailable. */
  ask<T>(ask: ReaderAsk): Promise<T> {
    return this.#held === undefined ? this.now(ask) : this.#held.then(() => this.ask<T>(ask))
  }

  /** Reads a page by an index. @throws StoreUnavailable. */
  list<T>(ask: ReaderAsk): Promise<T> {
    return this.#inTurn(this.#lists, ask)
  }

  /** Reads a page of a search through a whole table. @throws StoreUnavailable. */
  walk<T>(ask: ReaderAsk): Promise<T> {
    return this.#inTurn(this.#walks, ask)
  }

  end(): Promise<void> {
    return this.#thread.end()
  }

  #inTurn<T>(queue: Read[], ask: ReaderAsk): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      // The ask alone gives the type of the answer; both ends are in this folder.
      queue.push({ ask, resolve: (value) => resolve(value as T), reject })
      if (!this.#isRunning) void this.#run()
    })
  }

  /** Never throws: failures go to the callers. */
  async #run(): Promise<void> {
    this.#isRunning = true
    for (let turn = 0; this.#lists.length + this.#walks.length > 0; turn += 1) {
      const [first, second] = turn % 2 === 0 ? [this.#lists, this.#walks] : [this.#walks, this.#lists]
      const next = first.shift() ?? second.shift()
      if (next === undefined) break
      await this.ask(next.ask).then(next.resolve, next.reject)
      // The caller processes its page now; the next page comes after everything else that waits.
      await new Promise((resolve) => setImmediate(resolve))
    }
    this.#isRunning = false
  }
}
