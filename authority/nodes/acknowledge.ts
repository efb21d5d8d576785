import { type Clock, type RealmOrdinal, StoreUnavailable } from '@rescind/core'
import type { Later } from './heartbeat.ts'
import { type LeaseRow, leaseMs, Sightings } from './lease.ts'

/** Pause between two readings that nothing wakes. */
const POLL_MS = 10
/** How much longer than a lease an acknowledgement is waited for. */
const PATIENCE_MS = 2_000

/** One look at the store, on the primary: what all nodes have folded, and the ends of the logs. */
export type Reading = {
  readonly rows: readonly LeaseRow[]
  readonly heads: ReadonlyMap<RealmOrdinal, number>
}

export type AcknowledgeParts = {
  /** This node's own row counts by what it has settled itself. */
  readonly self: string
  readonly boundMs: number
  /** Begins to read when it is called. Undefined: the store cannot be read now. */
  readonly read: (realms: readonly RealmOrdinal[]) => Promise<Reading | undefined>
  /** The last row that is folded here and published, and that has brought about what it asks for; a refused realm has all. */
  readonly settledSeq: (realm: RealmOrdinal) => number
  readonly clock: Clock
  readonly later: Later
}

type Waiting = {
  readonly realm: RealmOrdinal
  /** The row that every node must have folded; undefined until a reading has said which. */
  seq: number | undefined
  /** The row was committed by then. */
  sinceMs: number
  readonly settle: () => void
}

/**
 * Waits until every node refuses what a row has ended: it has folded the row, or no heartbeat from before the row counts there
 * any more. Only a reading that is begun after the row was committed proves that, because a node that it does not show reads
 * the heads later still.
 */
export class Acknowledger {
  readonly #parts: AcknowledgeParts
  readonly #sightings: Sightings = new Sightings()
  readonly #waiting: Set<Waiting> = new Set()
  #isReading = false
  /** Marks have moved since the reading under way began. */
  #hasMoved = false
  #isClosed = false
  #cancel: () => void = () => {}

  constructor(parts: AcknowledgeParts) {
    this.#parts = parts
  }

  /** Call it when the commit of this row was answered. @throws StoreUnavailable: it is durable, but not refused everywhere. */
  written(realm: RealmOrdinal, seq: number): Promise<void> {
    return this.#wait(realm, seq)
  }

  get waiting(): number {
    return this.#waiting.size
  }

  /**
   * For an answer that changed nothing, because the token was dead already, say: waits for everything that is in the log by
   * now. This node may have read a record that is newer than what it has folded. @throws StoreUnavailable.
   */
  unchanged(realm: RealmOrdinal): Promise<void> {
    return this.#wait(realm, undefined)
  }

  /** Whether every node is known to refuse it now. It waits for nothing. @throws StoreUnavailable. */
  async isRefused(realm: RealmOrdinal, seq: number): Promise<boolean> {
    const { rows, nowMs } = await this.#look([realm])
    return this.#isRefusedEverywhere({ realm, seq, sinceMs: nowMs }, rows, nowMs)
  }

  /** The other nodes on which a heartbeat may still count. @throws StoreUnavailable. */
  async others(): Promise<readonly string[]> {
    const { rows, nowMs } = await this.#look([])
    const others = rows.filter(
      (row) => row.node !== this.#parts.self && !this.#sightings.isLapsed(row, nowMs),
    )
    return others.map(({ node }) => node)
  }

  /** Another node may have moved its marks. */
  marked(): void {
    this.#hasMoved = true
    if (this.#waiting.size > 0) void this.#read()
  }

  /** Rows that were read on another occasion. They prove nothing about a row, but a silent node is noticed earlier. */
  noticed(rows: readonly LeaseRow[]): void {
    this.#sightings.note(rows, this.#parts.clock.monotonicMs())
  }

  close(): void {
    this.#isClosed = true
    this.#cancel()
  }

  async #wait(realm: RealmOrdinal, seq: number | undefined): Promise<void> {
    const { clock, later, boundMs } = this.#parts
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const one = { realm, seq, sinceMs: clock.monotonicMs(), settle: resolve }
    const cancel = later(leaseMs(boundMs) + PATIENCE_MS, () => {
      reject(new StoreUnavailable('not every node is known to refuse it yet'))
    })
    this.#waiting.add(one)
    void this.#read()
    try {
      await promise
    } finally {
      cancel()
      this.#waiting.delete(one)
    }
  }

  async #look(realms: readonly RealmOrdinal[]): Promise<{ rows: readonly LeaseRow[]; nowMs: number }> {
    const reading = await this.#parts.read(realms)
    if (reading === undefined) throw new StoreUnavailable('the store could not be read')
    const nowMs = this.#parts.clock.monotonicMs()
    this.#sightings.note(reading.rows, nowMs)
    return { rows: reading.rows, nowMs }
  }

  /** Never rejects. */
  async #read(): Promise<void> {
    if (this.#isReading || this.#isClosed) return
    this.#isReading = true
    this.#hasMoved = false
    this.#cancel()
    // A reading that is under way proves nothing for those who come later.
    const asked = [...this.#waiting]
    const reading = await this.#parts.read([...new Set(asked.map(({ realm }) => realm))])
    this.#isReading = false
    if (reading !== undefined) this.#settle(asked, reading)
    if (this.#waiting.size === 0) return
    const hasNew = this.#hasMoved || [...this.#waiting].some((one) => !asked.includes(one))
    this.#cancel = this.#parts.later(hasNew && reading !== undefined ? 0 : POLL_MS, () => {
      void this.#read()
    })
  }

  #settle(asked: readonly Waiting[], { rows, heads }: Reading): void {
    const nowMs = this.#parts.clock.monotonicMs()
    this.#sightings.note(rows, nowMs)
    for (const one of asked) {
      if (one.seq === undefined) {
        one.seq = heads.get(one.realm) ?? 0
        one.sinceMs = nowMs
      }
      if (!this.#isRefusedEverywhere(one, rows, nowMs)) continue
      this.#waiting.delete(one)
      one.settle()
    }
  }

  #isRefusedEverywhere(
    { realm, seq = 0, sinceMs }: Pick<Waiting, 'realm' | 'seq' | 'sinceMs'>,
    rows: readonly LeaseRow[],
    nowMs: number,
  ): boolean {
    const { self, settledSeq } = this.#parts
    if (settledSeq(realm) < seq) return false
    return rows.every((row) => {
      const mark = row.marks.get(realm)
      if (row.node === self || mark === undefined || mark >= seq) return true
      return nowMs - sinceMs > leaseMs(row.boundMs) || this.#sightings.isLapsed(row, nowMs)
    })
  }
}
