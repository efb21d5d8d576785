import type { Publication } from '@rescind/authority'
import { type Checkpoint, readCheckpoint } from '@rescind/core/log'
import type { Checkpoints } from './checkpoints.ts'
import { chainedRows, Frame } from './frames.ts'

/** Maximum rows kept in memory, for readers that return soon; others read from the store. */
export const RECENT_ROWS_MAX = 8_192

export type LiveReader = {
  readonly take: (frame: Frame) => void
  /** Rows came that no frame holds: continue from the store. */
  readonly readOn: () => void
}

/** A realm's committed groups: each becomes one frame that all live readers share. */
export class Channel {
  readonly #checkpoints: Checkpoints
  readonly #live: Set<LiveReader> = new Set()
  #recent: Frame[] = []
  #recentRows = 0
  #seq: number

  constructor(checkpoints: Checkpoints, seq: number) {
    this.#checkpoints = checkpoints
    this.#seq = seq
  }

  /** The seq up to which frames were handed out. */
  get seq(): number {
    return this.#seq
  }

  get readers(): number {
    return this.#live.size
  }

  published(publication: Publication): void {
    const { prev, head } = publication
    if (prev !== this.#seq) {
      this.lost(head.seq)
      return
    }
    const position = this.#checkpoints.text(this.#checkpoints.at(head.seq, head.chain))
    const frame = new Frame({ prev, position, rows: chainedRows(publication) })
    this.#keep(frame)
    this.#seq = head.seq
    for (const reader of this.#live) reader.take(frame)
  }

  /** Rows up to `seq` were not published. */
  lost(seq: number): void {
    this.#recent = []
    this.#recentRows = 0
    this.#seq = seq
    const readers = [...this.#live]
    this.#live.clear()
    for (const reader of readers) reader.readOn()
  }

  /** The frame right after a seq, if it is still in memory. */
  recentAfter(seq: number): Frame | undefined {
    let [low, high] = [0, this.#recent.length]
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#recent[middle] as Frame).prev < seq) low = middle + 1
      else high = middle
    }
    const found = this.#recent[low]
    return found?.prev === seq ? found : undefined
  }

  /** The checkpoint that a position text names, if a frame in memory ends there. */
  checkpointOf(position: string): Checkpoint | undefined {
    const checkpoint = readCheckpoint(position)
    if (checkpoint === undefined) return undefined
    let [low, high] = [0, this.#recent.length]
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#recent[middle] as Frame).seq < checkpoint.seq) low = middle + 1
      else high = middle
    }
    return this.#recent[low]?.position === position ? checkpoint : undefined
  }

  /** Adds a reader that has everything up to `this.seq`. */
  join(reader: LiveReader): void {
    this.#live.add(reader)
  }

  leave(reader: LiveReader): void {
    this.#live.delete(reader)
  }

  #keep(frame: Frame): void {
    this.#recent.push(frame)
    this.#recentRows += frame.rows
    let drop = 0
    while (this.#recentRows > RECENT_ROWS_MAX) {
      this.#recentRows -= (this.#recent[drop] as Frame).rows
      drop += 1
    }
    if (drop > 0) this.#recent.splice(0, drop)
  }
}
