import { type Clock, type RealmOrdinal, StoreUnavailable } from '@rescind/core'
import type { Later } from './heartbeat.ts'
import { type FoldedBy, type LeaseRow, leaseMs, Sightings } from './lease.ts'

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
  /** The nodes, as a reading has shown them that was begun for it. */
  rows: readonly LeaseRow[] | undefined
  /** Nodes that have said meanwhile that they have folded the row. */
  readonly folded: Set<string>
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

  /**
   * Another node may have moved its marks. `said`: how far it has folded some logs by now. It never unlearns that, so it need
   * not be read once more; which nodes there are, only a reading says.
   */
  marked(said?: FoldedBy): void {
    if (said === undefined || this.#isAskingForEnds()) {
      this.#hasMoved = true
      if (this.#waiting.size > 0) void this.#read()
    }
    if (said === undefined) return
    const nowMs = this.#parts.clock.monotonicMs()
    for (const one of this.#waiting) {
      const seq = said.seqs.get(one.realm)
      if (seq === undefined || one.seq === undefined || seq < one.seq) continue
      one.folded.add(said.node)
      if (one.rows !== undefined) this.#settleOne(one, one.rows, nowMs)
    }
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
    const one = {
      ...{ realm, seq, sinceMs: clock.monotonicMs(), settle: resolve },
      ...{ rows: undefined, folded: new Set<string>() },
    }
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
    if (hasNew && reading !== undefined) void this.#read()
    else
      this.#cancel = this.#parts.later(POLL_MS, () => {
        void this.#read()
      })
  }

  /** Whether some wait for a reading to say which row is the last one. */
  #isAskingForEnds(): boolean {
    return [...this.#waiting].some(({ seq }) => seq === undefined)
  }

  #settle(asked: readonly Waiting[], { rows, heads }: Reading): void {
    const nowMs = this.#parts.clock.monotonicMs()
    this.#sightings.note(rows, nowMs)
    for (const one of asked) {
      if (one.seq === undefined) {
        one.seq = heads.get(one.realm) ?? 0
        one.sinceMs = nowMs
      }
      one.rows = rows
      this.#settleOne(one, rows, nowMs)
    }
  }

  #settleOne(one: Waiting, rows: readonly LeaseRow[], nowMs: number): void {
    if (!this.#isRefusedEverywhere(one, rows, nowMs)) return
    this.#waiting.delete(one)
    one.settle()
  }

  #isRefusedEverywhere(
    {
      realm,
      seq = 0,
      sinceMs,
      folded,
    }: Pick<Waiting, 'realm' | 'seq' | 'sinceMs'> & Partial<Pick<Waiting, 'folded'>>,
    rows: readonly LeaseRow[],
    nowMs: number,
  ): boolean {
    const { self, settledSeq } = this.#parts
    if (settledSeq(realm) < seq) return false
    return rows.every((row) => {
      const mark = row.marks.get(realm)
      if (row.node === self || mark === undefined || mark >= seq || folded?.has(row.node)) return true
      return nowMs - sinceMs > leaseMs(row.boundMs) || this.#sightings.isLapsed(row, nowMs)
    })
  }
}
