import { DatabaseSync } from 'node:sqlite'
import { StoreUnavailable } from '@rescind/core'
import { prepareReads, type Reads } from './reads.ts'
import { configure } from './schema.ts'

/** Page cache, large enough for the inner pages of a hundred million tokens. */
const CACHE_KIB = 65_536

/**
 * The main thread's connection. It reads from one snapshot as long as that is good enough: after each commit of the writer, a
 * connection that reads the new state loses its page cache, and a read from an empty cache costs five times one from a full
 * one (bench/README.md, "snapshot").
 *
 * A token's record changes only through groups that `committed` is told about, so a record found in an older snapshot is
 * right. Records that are not found, and everything that can change, are read from the newest state.
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

  /** Notes a committed group. @param touches whether it changed or removed records of tokens that existed before. */
  committed(touches: boolean): void {
    this.#commits += 1
    if (touches) this.#touchedAt = this.#commits
  }

  /** Reads what never changes once it exists. @throws StoreUnavailable. */
  settled<T>(read: (reads: Reads) => T | undefined): T | undefined {
    if (this.#heldAt === undefined || this.#heldAt < this.#touchedAt) this.#renew()
    return this.#try(read) ?? this.newest(read)
  }

  /** Reads from the newest committed state. @throws StoreUnavailable. */
  newest<T>(read: (reads: Reads) => T): T {
    if (this.#heldAt !== this.#commits) this.#renew()
    return this.#try(read)
  }

  /** Releases the snapshot, so that a checkpoint can write back everything. */
  release(): void {
    if (this.#heldAt === undefined) return
    this.#heldAt = undefined
    this.#try(() => this.#db.exec('COMMIT'))
  }

  /** Holds no snapshot until `resume`: the log restarts only when all of it is written back and no reader is behind. */
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
      // The failure may have ended the transaction; the next read begins another.
      this.#abandon()
      throw new StoreUnavailable('the store could not be read', { cause: error })
    }
  }

  #abandon(): void {
    this.#heldAt = undefined
    if (this.#db.isTransaction) this.#db.exec('ROLLBACK')
  }
}
