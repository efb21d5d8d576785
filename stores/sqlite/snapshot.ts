import { DatabaseSync } from 'node:sqlite'
import { StoreUnavailable } from '@rescind/core'
import { prepareReads, type Reads } from './reads.ts'
import { configure } from './schema.ts'

/** Page cache: enough for the inner pages of a hundred million tokens. */
const CACHE_KIB = 65_536

/**
 * The main thread's connection. It reads from one snapshot for as long as that is good enough: every commit of the
 * writer empties the page cache of a connection that looks at the new state, and a read from an empty cache costs
 * five times one from a full one (bench/README.md, "snapshot").
 *
 * A token's record never changes but for what `touch` is told, so one that is found in an old snapshot is right; what
 * is not found, and everything that can change, is read from the newest state.
 */
export class Snapshot {
  readonly #db: DatabaseSync
  readonly #reads: Reads
  #commits = 0
  #heldAt: number | undefined
  #touchedAt = 0
  #mayHold = true

  /** @throws StoreUnavailable when the store cannot be opened. */
  constructor(path: string) {
    try {
      this.#db = new DatabaseSync(path)
      configure(this.#db)
      this.#db.exec(`PRAGMA query_only = ON; PRAGMA cache_size = -${CACHE_KIB}`)
      this.#reads = prepareReads(this.#db)
    } catch (error) {
      throw new StoreUnavailable('the store could not be opened', { cause: error })
    }
  }

  /** A group was committed. @param touches whether it changed or removed records of tokens that existed before. */
  committed(touches: boolean): void {
    this.#commits += 1
    if (touches) this.#touchedAt = this.#commits
  }

  /** Reads what never changes once it is there. @throws StoreUnavailable. */
  settled<T>(read: (reads: Reads) => T | undefined): T | undefined {
    if (this.#heldAt === undefined || this.#heldAt < this.#touchedAt) this.#renew()
    return this.#try(read) ?? this.newest(read)
  }

  /** Reads from the newest committed state. @throws StoreUnavailable. */
  newest<T>(read: (reads: Reads) => T): T {
    if (this.#heldAt !== this.#commits) this.#renew()
    return this.#try(read)
  }

  /** Lets go of the snapshot, so that a checkpoint can write back all there is. */
  release(): void {
    if (this.#heldAt === undefined) return
    this.#heldAt = undefined
    this.#try(() => this.#db.exec('COMMIT'))
  }

  /** Holds none until `resume`: the log starts anew only when all of it was written back, and nobody is behind. */
  pause(): void {
    this.release()
    this.#mayHold = false
  }

  resume(): void {
    this.#mayHold = true
  }

  close(): void {
    this.#db.close()
  }

  #renew(): void {
    this.release()
    if (!this.#mayHold) return
    this.#try(() => this.#db.exec('BEGIN'))
    this.#heldAt = this.#commits
  }

  #try<T>(read: (reads: Reads) => T): T {
    try {
      return read(this.#reads)
    } catch (error) {
      // The transaction may be gone with the failure; the next read starts another.
      this.#abandon()
      throw new StoreUnavailable('the store could not be read', { cause: error })
    }
  }

  #abandon(): void {
    this.#heldAt = undefined
    if (this.#db.isTransaction) this.#db.exec('ROLLBACK')
  }
}
