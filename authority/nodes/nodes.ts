import { type Clock, type RealmOrdinal, StoreUnavailable } from '@rescind/core'
import type { GroupOutcome, LogHead, Write } from '../log/writes.ts'
import { Acknowledger } from './acknowledge.ts'
import { FoldMarks } from './fold-marks.ts'
import { type Heads, Heartbeat, type Later } from './heartbeat.ts'
import { DueInstances, type InstanceRow, type InstancesRead } from './instance-rows.ts'
import { OPENING, REFUSED } from './lease.ts'
import type { Beat, GroupCounts, NodesPort } from './port.ts'
import { StoreClock } from './store-clock.ts'
import { Takeover, type TakeoverEvent, type Testimony } from './takeover.ts'

/** Heartbeats that a start tries for the store's time. */
const FIRST_BEATS = 5
/** How long a process that has to end tries to leave. */
const LEAVE_MS = 2_000
/** Without a folded heartbeat for so long, nothing that this node has said before may stand: its streams end. */
const SILENT_MS = 2_000

/**
 * `everywhere`: what revokes, holds or changes records is answered once every node refuses what it ended. `durable`: once it
 * is written.
 */
export const ACKNOWLEDGE = ['everywhere', 'durable'] as const
export type Acknowledge = (typeof ACKNOWLEDGE)[number]

export type NodesParts = {
  readonly port: NodesPort
  /** This machine's own. */
  readonly clock: Clock
  readonly later: Later
  readonly boundMs: number
  readonly acknowledge: Acknowledge
  /** Of another server that takes over from the store's. */
  readonly told: (event: TakeoverEvent) => void
}

/** What the nodes need from the ledger. */
export type FoldedLogs = {
  /** Resolves once these rows are folded and published; with false if they cannot be read now. */
  readonly foldedThrough: (realm: RealmOrdinal, head: LogHead) => Promise<boolean>
  readonly suspend: (realm: RealmOrdinal) => void
  readonly isSuspended: (realm: RealmOrdinal) => boolean
  readonly openRealms: readonly RealmOrdinal[]
  /** Says again how far a realm is folded. */
  readonly settled: (realm: RealmOrdinal) => void
  /** What has been folded; only of a shared store. */
  readonly testimony: () => Testimony | undefined
  /** Takes no more writes, and resolves once those before are answered. */
  readonly close: () => Promise<void>
}

/**
 * One of several processes on one store: when it may say anything positive, and when what it has written is refused
 * everywhere. Without other processes each of these waits for one answer of the store.
 */
export class Nodes {
  readonly #parts: NodesParts
  readonly #marks: FoldMarks
  readonly #heartbeat: Heartbeat
  readonly #acknowledger: Acknowledger
  readonly #takeover: Takeover
  /** Rows that this node wrote, and that are not known to be refused everywhere. */
  readonly #written: Map<RealmOrdinal, number> = new Map()
  /** How far the other nodes may take each log to be settled here. */
  readonly #told: Map<RealmOrdinal, number> = new Map()
  readonly #unfolded: Map<RealmOrdinal, LogHead> = new Map()
  readonly #dueInstances: DueInstances = new DueInstances()
  readonly storeClock: StoreClock
  #logs: FoldedLogs | undefined
  #beatsAtMs = Number.NEGATIVE_INFINITY
  #known = 1
  readonly #silent: (() => void)[] = []
  #isEnding = false
  #cancel: () => void = () => {}

  private constructor(parts: NodesParts) {
    const { port, clock, later, boundMs, told } = parts
    this.#parts = parts
    this.storeClock = new StoreClock(clock)
    this.#marks = new FoldMarks({ write: (marks, durably) => port.mark(marks, durably), later })
    this.#heartbeat = new Heartbeat({
      ...{ clock, later, boundMs },
      beat: () => this.#beat(),
      folded: (heads) => this.#folded(heads),
    })
    this.#acknowledger = new Acknowledger({
      ...{ self: port.self, boundMs, clock, later },
      read: (realms) => port.read(realms),
      settledSeq: (realm) => this.#told.get(realm) ?? 0,
    })
    const { takeover } = port
    this.#takeover = new Takeover({
      ...{ clock, later, told },
      look: async () => {
        const testimony = this.#logs?.testimony()
        return testimony === undefined ? undefined : takeover.testify(testimony, this.#dueInstances.all)
      },
      settle: (decision, place) => takeover.settle(decision, place),
      goOn: (place) => this.#goOn(place),
      end: () => takeover.end(),
    })
  }

  /** Joins the processes of a store, and takes over its time. Before any log is read. @throws StoreUnavailable. */
  static async join(parts: NodesParts): Promise<Nodes> {
    const nodes = new Nodes(parts)
    await parts.port.register(parts.boundMs, {
      marked: (said) => nodes.#acknowledger.marked(said),
      forked: (realms) => nodes.#suspend(realms),
      reconnected: () => nodes.#markAgain(),
      takenOver: () => {
        // Once it has said what it knows, the others need not wait for what this node still answers.
        nodes.#heartbeat.lapse()
        nodes.#takeover.begin()
      },
    })
    for (let nth = 0; nth < FIRST_BEATS; nth += 1) if ((await nodes.#beat()) !== undefined) return nodes
    const { failure = 'its outcome is not known' } = parts.port
    throw new StoreUnavailable(`the store takes no heartbeat: ${failure}`)
  }

  /** The ledger's, once there is one. Heartbeats begin here. */
  begin(logs: FoldedLogs): void {
    this.#logs = logs
    this.#heartbeat.start()
    this.#watchSilence()
  }

  get acknowledges(): Acknowledge {
    return this.#parts.acknowledge
  }

  /** Nodes of the store as of the last heartbeat, this one included. */
  get known(): number {
    return this.#known
  }

  /** Milliseconds since the last heartbeat whose answer came. */
  get silentMs(): number {
    return this.#parts.clock.monotonicMs() - this.#beatsAtMs
  }

  /** Milliseconds since the last folded heartbeat was sent. */
  get lagMs(): number {
    return this.#heartbeat.ageMs
  }

  /** Answers that wait until every node refuses what they are about. */
  get waiting(): number {
    return this.#acknowledger.waiting
  }

  get isFresh(): boolean {
    return this.#heartbeat.isFresh
  }

  /** Resolves when a request that arrived before the call may get a positive answer. @throws StoreUnavailable. */
  fresh(): Promise<void> {
    return this.#heartbeat.fresh()
  }

  /** Resolves with a heartbeat that is begun after the call. @throws StoreUnavailable. */
  asOfNow(): Promise<void> {
    return this.#heartbeat.next()
  }

  /** A verifier has contacted this node, say. Every heartbeat that is begun from here on tells the others. */
  publish(row: InstanceRow): void {
    this.#dueInstances.put(row)
  }

  /** See `NodesPort.readInstances`. */
  readInstances(since: string | undefined): Promise<InstancesRead | undefined> {
    return this.#parts.port.readInstances(since)
  }

  /** See `NodesPort.announceKeys`. @throws StoreUnavailable. */
  announceKeys(ids: readonly string[]): Promise<void> {
    return this.#parts.port.announceKeys(ids)
  }

  /** The ids of the master keys that each other node has which may still say anything. @throws StoreUnavailable. */
  async keysOfOthers(): Promise<readonly (readonly string[])[]> {
    // Read before the nodes: one that joins in between has announced nothing.
    const announced = await this.#parts.port.announcedKeys()
    return (await this.#acknowledger.others()).map((node) => announced.get(node) ?? [])
  }

  get counts(): GroupCounts {
    return this.#parts.port.counts
  }

  get self(): string {
    return this.#parts.port.self
  }

  /** See `FoldMarks.opening`. @throws StoreUnavailable. */
  opening(realm: RealmOrdinal): Promise<void> {
    this.#told.set(realm, OPENING.seq)
    return this.#marks.opening(realm)
  }

  folded(realm: RealmOrdinal, head: LogHead): void {
    this.#told.set(realm, head.seq)
    this.#marks.folded(realm, head)
  }

  refused(realm: RealmOrdinal): void {
    this.#told.set(realm, REFUSED.seq)
    this.#marks.refused(realm)
  }

  /** A group of this node's was answered. */
  written(writes: readonly Write[], { heads }: Pick<GroupOutcome, 'heads'>): void {
    for (const { realm, operations } of writes) {
      const head = heads.get(realm)
      if (head !== undefined && operations.some(({ kind }) => kind === 'append'))
        this.#written.set(realm, head.seq)
    }
  }

  /**
   * Call it when an answer about these realms was decided, and before it is given: resolves when every node refuses what the
   * answer rests on, whether this request wrote it or found it written. @throws StoreUnavailable: it is durable, but may not
   * be refused everywhere yet.
   */
  async everywhere(realms: readonly RealmOrdinal[]): Promise<void> {
    if (this.#parts.acknowledge === 'durable') return
    // In a realm that is refused nothing is active, and it may never be folded further.
    for (const realm of this.#written.keys()) if (this.#logs?.isSuspended(realm)) this.#written.delete(realm)
    const own = new Map(this.#written)
    const acknowledger = this.#acknowledger
    await Promise.all([
      ...realms.map((realm) => acknowledger.unchanged(realm)),
      ...[...own].map(([realm, seq]) =>
        realms.includes(realm) ? undefined : acknowledger.written(realm, seq),
      ),
    ])
    for (const [realm, seq] of own) if (this.#written.get(realm) === seq) this.#written.delete(realm)
  }

  /**
   * Whether every node refuses by now what this row has ended, as far as a look at the store shows it.
   * @throws StoreUnavailable.
   */
  isEverywhere(realm: RealmOrdinal, seq: number): Promise<boolean> {
    return this.#acknowledger.isRefused(realm, seq)
  }

  /**
   * A log that this node follows has begun a new epoch, so what the node remembers may be lost. It says nothing more, and ends.
   * First it leaves: a server that takes over would wait for it in vain. What it has acknowledged comes before that in the store,
   * so a standby that knows that it has left lacks none of it.
   */
  epochBegun(): void {
    if (this.#isEnding) return
    this.#isEnding = true
    this.#heartbeat.lapse()
    this.#heartbeat.close()
    this.endStreams()
    void this.#end()
  }

  async #end(): Promise<void> {
    const { later, port } = this.#parts
    const left = async (): Promise<void> => {
      await this.#logs?.close()
      await this.leave()
    }
    await Promise.race([left(), new Promise<void>((resolve) => void later(LEAVE_MS, resolve))])
    port.takeover.end()
  }

  /** Called each time this node has had no heartbeat for SILENT_MS, or cannot follow a log any more: streams have to end. */
  onSilent(listener: () => void): void {
    this.#silent.push(listener)
  }

  /** The others do not wait for a log that this node cannot follow, so its streams would miss what they acknowledge. */
  endStreams(): void {
    for (const listener of this.#silent) listener()
  }

  /** Call when nothing is answered any more. */
  async leave(): Promise<void> {
    this.#cancel()
    this.#marks.close()
    this.#heartbeat.close()
    this.#takeover.close()
    this.#acknowledger.close()
    await this.#parts.port.leave()
  }

  async #beat(): Promise<Heads | undefined> {
    const instances = this.#dueInstances.rows
    const beat = await this.#parts.port.beat(instances)
    if (beat === undefined) return undefined
    this.#dueInstances.confirmed(instances)
    this.#take(beat)
    return beat.heads
  }

  #take({ rows, nowMs, forked }: Beat): void {
    this.storeClock.settle(nowMs)
    this.#beatsAtMs = this.#parts.clock.monotonicMs()
    this.#known = rows.length
    this.#acknowledger.noticed(rows)
    this.#suspend(forked)
  }

  /** Marks are not durable: a database that was restarted may have lost the last ones. */
  #markAgain(): void {
    const logs = this.#logs
    for (const realm of logs?.openRealms ?? [])
      if (logs?.isSuspended(realm) === true) this.refused(realm)
      else logs?.settled(realm)
  }

  #suspend(realms: readonly RealmOrdinal[]): void {
    for (const realm of realms) this.#logs?.suspend(realm)
  }

  async #goOn(place: string): Promise<boolean> {
    const heads = this.#logs?.testimony()?.heads ?? new Map<RealmOrdinal, LogHead>()
    if (!(await this.#parts.port.takeover.goOn(place, heads))) return false
    for (const realm of heads.keys()) if (this.#logs?.isSuspended(realm) === true) this.refused(realm)
    return true
  }

  /** Also those of earlier heartbeats that could not be folded: the store tells of each move once. */
  async #folded(heads: Heads): Promise<boolean> {
    for (const [realm, head] of heads) this.#unfolded.set(realm, head)
    const logs = this.#logs
    if (logs === undefined) return false
    await Promise.all(
      [...this.#unfolded].map(async ([realm, head]) => {
        if (await logs.foldedThrough(realm, head)) this.#unfolded.delete(realm)
      }),
    )
    return this.#unfolded.size === 0
  }

  #watchSilence(): void {
    this.#cancel = this.#parts.later(SILENT_MS / 4, () => {
      // Not by answers: streams are cut by what is folded.
      if (this.#heartbeat.ageMs > SILENT_MS) this.endStreams()
      this.#watchSilence()
    })
  }
}
