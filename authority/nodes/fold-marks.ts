import { type RealmOrdinal, StoreUnavailable } from '@rescind/core'
import type { LogHead } from '../log/writes.ts'
import type { Later } from './heartbeat.ts'
import { type FoldMark, type FoldMarksOf, OPENING, REFUSED } from './lease.ts'

const RETRY_MS = 20
/** After a write, which tells the other nodes at once. What is folded meanwhile goes with the next one. */
const PAUSE_MS = 5

export type FoldMarksParts = {
  /**
   * Writes marks in this node's name. False: they may not be there. `durably`: it resolves only when a crash of the store
   * cannot undo them.
   */
  readonly write: (marks: FoldMarksOf, durably: boolean) => Promise<boolean>
  readonly later: Later
}

/**
 * Tells the other nodes how far this one has folded each log. Marks may come late but never early, so one write is in flight
 * and carries whatever was folded before it began.
 */
export class FoldMarks {
  readonly #parts: FoldMarksParts
  readonly #due: Map<RealmOrdinal, FoldMark> = new Map()
  /** Those that are being written, and written again if that fails. */
  #flying: Map<RealmOrdinal, FoldMark> = new Map()
  #isWriting = false
  #isClosed = false

  constructor(parts: FoldMarksParts) {
    this.#parts = parts
  }

  /**
   * Before the end of a realm's log is read: from here on the others wait for this node. Without a mark they take it that the
   * node says nothing of the realm. @throws StoreUnavailable.
   */
  async opening(realm: RealmOrdinal): Promise<void> {
    this.#forget(realm)
    if (!(await this.#parts.write(new Map([[realm, OPENING]]), true)))
      throw new StoreUnavailable('the store does not know that this node opens a realm')
  }

  /** The row is folded and published: from here on the node refuses what it has ended. */
  folded(realm: RealmOrdinal, head: LogHead): void {
    this.#mark(realm, head)
  }

  /** The node says nothing positive about this realm any more, until it has called `opening` again. */
  refused(realm: RealmOrdinal): void {
    this.#mark(realm, REFUSED)
  }

  /** An earlier mark that is still to be written again would say that nobody has to wait. */
  #forget(realm: RealmOrdinal): void {
    this.#due.delete(realm)
    this.#flying.delete(realm)
  }

  /** Nothing more is said. */
  close(): void {
    this.#isClosed = true
  }

  #mark(realm: RealmOrdinal, mark: FoldMark): void {
    this.#due.set(realm, mark)
    if (!this.#isWriting && !this.#isClosed) void this.#write()
  }

  /** Never rejects: without a mark, an acknowledgement waits until this node's heartbeats have lapsed. */
  async #write(): Promise<void> {
    this.#isWriting = true
    while (this.#due.size > 0 && !this.#isClosed) {
      const marks = new Map(this.#due)
      this.#flying = marks
      this.#due.clear()
      const isWritten = await this.#parts.write(new Map(marks), false)
      if (!isWritten) for (const [realm, mark] of marks) if (!this.#due.has(realm)) this.#due.set(realm, mark)
      await this.#pause(isWritten ? PAUSE_MS : RETRY_MS)
    }
    this.#isWriting = false
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.#parts.later(ms, resolve)
    })
  }
}
