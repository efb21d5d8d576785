/** Pages of the write-ahead log after which it is written back in the background: 16 MiB. */
const BACKGROUND_PAGES = 4_096
/** Pages from which on the writer writes it back itself, rather than let it grow while the reader has no time: 24 MiB. */
const WRITER_PAGES = 6_144
/** What stays of the write-ahead log's file once it begins anew: the bound that the manual names. */
export const LOG_FILE_BYTES = 33_554_432

/**
 * When the write-ahead log is written back, by the pages that are in it: its own count, so that what a write costs is
 * never guessed. The reader thread writes back what is there while groups go on; the writer then has to finish what
 * came meanwhile, and the next group begins the log anew. So no group waits for a long checkpoint, but where more is
 * written than the reader can write back.
 */
export class Checkpoints {
  #pages = 0
  /** Pages that were written back, but could not be given up: somebody, a backup say, still reads them. */
  #stuckPages = 0
  #state: 'none' | 'running' | 'finish' = 'none'

  /** Whether the next group is to be followed by the rest of a checkpoint. */
  get mustFinish(): boolean {
    return this.#state === 'finish' || (this.#state === 'running' && this.#grown >= WRITER_PAGES)
  }

  /** Notes a group. @param pages in the log behind it. @returns whether a checkpoint is to begin in the background. */
  committed(pages: number, finished: boolean): boolean {
    if (pages < this.#pages) this.#stuckPages = 0
    this.#pages = pages
    if (finished && this.#state === 'finish') {
      this.#state = 'none'
      this.#stuckPages = pages
    }
    if (this.#state !== 'none' || this.#grown < BACKGROUND_PAGES) return false
    this.#state = 'running'
    return true
  }

  /** What was begun has ended. A checkpoint that could not run is tried again; the log only stays longer. */
  ended(ran: boolean): void {
    this.#state = ran ? 'finish' : 'none'
  }

  get #grown(): number {
    return this.#pages - this.#stuckPages
  }
}
