import { Thread } from './thread.ts'
import type { ReaderAsk } from './thread-messages.ts'

type Read = {
  readonly ask: ReaderAsk
  readonly resolve: (value: unknown) => void
  readonly reject: (error: unknown) => void
}

/**
 * The main thread's end of the reader thread. What is asked plainly goes to it at once; everything that reads many rows
 * waits for its turn: one such read is under way at a time, and one page is handed over in each turn of the event loop.
 * So however many lists are asked for, whoever waits for a commit or a request waits behind one page.
 */
export class Reader {
  readonly #thread: Thread<ReaderAsk> = new Thread<ReaderAsk>('reader-thread')
  /** Reads by an index, and walks through a table: they take turns, so that neither starves the other. */
  readonly #lists: Read[] = []
  readonly #walks: Read[] = []
  #isRunning = false
  #held: Promise<void> | undefined

  /** What is asked from here on, and what waits for its turn, comes behind this. @param until never rejects. */
  hold(until: Promise<void>): void {
    const held = until.then(() => {
      if (this.#held === held) this.#held = undefined
    })
    this.#held = held
  }

  /** Also while all else is held: what opens the store, and closes it. @throws StoreUnavailable. */
  now<T>(ask: ReaderAsk): Promise<T> {
    return this.#thread.ask<T>(ask)
  }

  /** Short reads, and those that nothing else may delay. @throws StoreUnavailable. */
  ask<T>(ask: ReaderAsk): Promise<T> {
    return this.#held === undefined ? this.now(ask) : this.#held.then(() => this.ask<T>(ask))
  }

  /** A page by an index. @throws StoreUnavailable. */
  list<T>(ask: ReaderAsk): Promise<T> {
    return this.#inTurn(this.#lists, ask)
  }

  /** A page of what is found by looking at everything. @throws StoreUnavailable. */
  walk<T>(ask: ReaderAsk): Promise<T> {
    return this.#inTurn(this.#walks, ask)
  }

  end(): Promise<void> {
    return this.#thread.end()
  }

  #inTurn<T>(queue: Read[], ask: ReaderAsk): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      // What a thread answers is typed by the ask alone; both ends stand in this folder.
      queue.push({ ask, resolve: (value) => resolve(value as T), reject })
      if (!this.#isRunning) void this.#run()
    })
  }

  /** Never throws: what fails is told to whoever asked. */
  async #run(): Promise<void> {
    this.#isRunning = true
    for (let turn = 0; this.#lists.length + this.#walks.length > 0; turn += 1) {
      const [first, second] = turn % 2 === 0 ? [this.#lists, this.#walks] : [this.#walks, this.#lists]
      const next = first.shift() ?? second.shift()
      if (next === undefined) break
      await this.ask(next.ask).then(next.resolve, next.reject)
      // What the page is for happens now, as whoever asked goes on; the next page comes after all else that waits.
      await new Promise((resolve) => setImmediate(resolve))
    }
    this.#isRunning = false
  }
}
