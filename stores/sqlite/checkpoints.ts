/** Pages of the write-ahead log from which a checkpoint runs in the background: 16 MiB. */
const BACKGROUND_PAGES = 4_096
/** Pages from which the writer itself runs the checkpoint, if the reader has no time: 24 MiB. */
const WRITER_PAGES = 6_144
/** Size of the write-ahead log's file once it restarts; the manual names this bound. */
export const LOG_FILE_BYTES = 33_554_432

/**
 * Decides when to checkpoint the write-ahead log, by SQLite's own count of its pages, so that no estimate of a write's size
 * is needed. The reader thread checkpoints what is there while groups continue; the writer then only has to finish what came
 * meanwhile, and the next group restarts the log. So a group waits for a long checkpoint only when more is written than the
 * reader can keep up with.
 */
export class Checkpoints {
  #pages = 0
  /** Pages that were checkpointed but cannot be reused, because a reader, such as a backup, still needs them. */
  #stuckPages = 0
  #state: 'none' | 'running' | 'finish' = 'none'

  /** Whether the next group must be followed by the rest of a checkpoint. */
  get mustFinish(): boolean {
    return this.#state === 'finish' || (this.#state === 'running' && this.#grown >= WRITER_PAGES)
  }

  /** Notes a group. @param pages in the log after it. @returns whether to begin a checkpoint in the background. */
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

  /** The background checkpoint ended. One that could not run is retried later; meanwhile the log only stays longer. */
  ended(ran: boolean): void {
    this.#state = ran ? 'finish' : 'none'
  }

  get #grown(): number {
    return this.#pages - this.#stuckPages
  }
}
