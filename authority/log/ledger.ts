import {
  ContractBroken,
  type Cutoff,
  isOutage,
  ordinalOf,
  position,
  type RealmOrdinal,
  RealmOutOfOrder,
  RevocationIndex,
  StoreUnavailable,
} from '@rescind/core'
import { type LogRow, traitsOf } from '@rescind/core/log'
import type { Nodes } from '../nodes/nodes.ts'
import type { Testimony } from '../nodes/takeover.ts'
import type { Store } from '../ports.ts'
import { ChangedCollections } from './changed-collections.ts'
import { GroupCommit, type Told } from './group-commit.ts'
import { Keeping } from './keeping.ts'
import type { Flushed, Following, LedgerParts, Outcome } from './ledger-parts.ts'
import { Listeners, type RowListener } from './listeners.ts'
import { type GroupListener, publicationsOf } from './publications.ts'
import { faultOf, foldKept, foldLog } from './read-log.ts'
import { settleKeeps } from './settle-keeps.ts'
import { SharedFold } from './shared-fold.ts'
import { type StalenessParts, withoutStale } from './staleness.ts'
import { mendsLog, type Suspension, Suspensions } from './suspensions.ts'
import { timedCommit } from './timed-commit.ts'
import {
  type GroupOutcome,
  type LogHead,
  queueOf,
  sharesOf,
  type Write,
  type WriteOutcome,
} from './writes.ts'

/**
 * Keeps the order: commit durably → fold into the index → publish → answer, per group and without a gap. After an unknown
 * outcome it acknowledges nothing until the store is reopened and the log is read from the index's position on.
 */
export class Ledger {
  readonly #store: Store
  readonly #commit: Store['commit']
  readonly #indexes: Map<RealmOrdinal, RevocationIndex> = new Map()
  readonly #keepings: Map<RealmOrdinal, Keeping> = new Map()
  readonly #commits: GroupCommit<Write, Outcome>
  readonly #listeners: Listeners = new Listeners()
  readonly #suspensions: Suspensions
  /** Only if other processes write to the store, too. */
  readonly #shared: SharedFold | undefined
  readonly #nodes: Nodes | undefined
  readonly #changed: ChangedCollections = new ChangedCollections()
  readonly #staleness: StalenessParts
  #following: Following | undefined
  #floorMs: number
  #durableFloorMs: number
  #broken = false
  readonly #opening: Map<RealmOrdinal, Promise<RevocationIndex>> = new Map()
  /** Heads of realms that are not open, as heartbeats saw them. */
  readonly #due: Map<RealmOrdinal, LogHead> = new Map()
  /** Realms of groups whose outcome is unknown. */
  readonly #doubtful: Set<RealmOrdinal> = new Set()
  #submitted = 0

  /** @param floorMs the store's floor. */
  constructor(store: Store, floorMs: number, { defer, nodes, mustEnd, flushes }: LedgerParts) {
    this.#store = store
    this.#commit = timedCommit(store, flushes)
    this.#floorMs = floorMs
    this.#durableFloorMs = floorMs
    this.#nodes = nodes
    this.#suspensions = new Suspensions({
      suspended: (realm) => nodes?.refused(realm),
      unfollowed: () => nodes?.endStreams(),
    })
    this.#commits = new GroupCommit((writes) => this.#flush(writes), defer, sharesOf)
    const shared = store.isShared ? this.#sharedFold(mustEnd) : undefined
    this.#shared = shared
    this.#staleness = {
      indexOf: (realm) => this.#indexOf(realm),
      changedAt: (realm, collection) => this.#changed.at(realm, collection),
      isShared: store.isShared,
    }
  }

  #sharedFold(mustEnd: LedgerParts['mustEnd']): SharedFold {
    return new SharedFold({
      store: this.#store,
      indexOf: (realm) => this.#indexOf(realm),
      keepingOf: (realm) => this.keepingOf(realm),
      tell: (realm, row) => this.#listeners.tell(realm, row),
      publish: (publication) => this.#listeners.publish(publication),
      flagged: (realm) => this.suspend(realm),
      forked: (realm) => this.putOutOfOrder(realm, ANOTHER_LOG),
      isSuspended: (realm) => this.isSuspended(realm),
      folded: (realm, head) => {
        if (this.#following?.isSettled(realm) === false || this.isSuspended(realm)) return
        this.#nodes?.folded(realm, head)
      },
      trimmed: (realm) => {
        const why = `the log of realm ${realm} was trimmed further than this process had read`
        this.putOutOfOrder(realm, why)
        mustEnd?.(why)
      },
      readable: (realm, seq, read) => this.#readableNow(realm, seq, read),
      changed: (realm, seq, collection) => this.#changed.changed(realm, seq, collection),
      begun: (realm, seq) => {
        // The first one comes with the realm. Another one ends this process, and until then the realm stays refused.
        if (this.#nodes !== undefined && (seq > 1 || this.isSuspended(realm))) this.#nodes.epochBegun()
        else this.#suspensions.epochBegun(realm)
      },
    })
  }

  get waiting(): number {
    return this.#commits.waiting
  }

  /** Writes submitted since the start; garbage collection uses it to see whether others write. */
  get submitted(): number {
    return this.#submitted
  }

  /** Whether the last flush failed and the store has not been reopened since. */
  get broken(): boolean {
    return this.#broken
  }

  onRow(listener: RowListener): void {
    this.#listeners.onRow(listener)
  }

  onRowOf(realm: RealmOrdinal, listener: (row: LogRow) => void): void {
    this.#listeners.onRowOf(realm, listener)
  }

  onGroup(listener: GroupListener): void {
    this.#listeners.onGroup(listener)
  }

  /** Folds a realm's log from the store before the realm answers anything; once, however often it is opened. */
  async openRealm(realm: RealmOrdinal, digestKey: string): Promise<RevocationIndex> {
    const index = this.#indexes.get(realm) ?? (await this.#opened(realm, digestKey))
    // What a heartbeat saw while the log was read, or while folding it failed.
    const due = this.#due.get(realm)
    if (due !== undefined) await this.#shared?.foldThrough(realm, due)
    if (this.#due.delete(realm)) this.#shared?.tellFolded(realm)
    return index
  }

  /** A caller that gave up leaves its opening behind. A second one over the same log would follow it with another index. */
  #opened(realm: RealmOrdinal, digestKey: string): Promise<RevocationIndex> {
    const known = this.#opening.get(realm)
    if (known !== undefined) return known
    const opening = this.#openOnce(realm, digestKey).finally(() => this.#opening.delete(realm))
    this.#opening.set(realm, opening)
    return opening
  }

  async #openOnce(realm: RealmOrdinal, digestKey: string): Promise<RevocationIndex> {
    try {
      return await this.#open(realm, digestKey)
    } finally {
      // The others may wait for this node, which does not follow this log.
      if (!this.#indexes.has(realm)) this.#nodes?.refused(realm)
    }
  }

  async #open(realm: RealmOrdinal, digestKey: string): Promise<RevocationIndex> {
    const keeping = await Keeping.open(this.#store, realm)
    const index = await this.#filled(realm, () => new RevocationIndex(digestKey, keeping.legacy))
    // The floor may have risen while this log was read.
    index.raiseFloor(this.#floorMs)
    await this.#shared?.opened(realm, index)
    this.#keepings.set(realm, keeping)
    this.#indexes.set(realm, index)
    this.#shared?.follow(realm)
    if (!this.#due.has(realm)) this.#shared?.tellFolded(realm)
    return index
  }

  /** Reads a log from its beginning, and once more if another process has trimmed it meanwhile. */
  async #filled(realm: RealmOrdinal, make: () => RevocationIndex): Promise<RevocationIndex> {
    for (;;) {
      const index = make()
      index.raiseFloor(this.#floorMs)
      // A revoked token has two keys, and most rows are revoked tokens.
      const [head, anchor] = [await this.#store.head(realm), await this.#store.anchor(realm)]
      index.beginFill(2 * (head.seq - anchor.seq))
      const why = await faultOf(index, async () => {
        await foldKept({ store: this.#store, realm, index })
        await this.#catchUp(realm, index)
        await this.#joined(realm, index)
      })
      index.endFill()
      if (
        why !== undefined &&
        this.#shared !== undefined &&
        (await this.#store.anchor(realm)).seq > anchor.seq
      )
        continue
      if (why !== undefined) this.putOutOfOrder(realm, why)
      return index
    }
  }

  /**
   * From here on the other nodes wait for this one. They do only now, as reading a log may take a minute; what they wrote
   * meanwhile is read after they have been told.
   */
  async #joined(realm: RealmOrdinal, index: RevocationIndex): Promise<void> {
    if (this.#nodes === undefined) return
    await this.#nodes.opening(realm)
    this.#due.delete(realm)
    await this.#catchUp(realm, index)
  }

  async #catchUp(realm: RealmOrdinal, index: RevocationIndex): Promise<void> {
    await foldLog({ store: this.#store, realm, index }, (row) => this.#listeners.tell(realm, row))
  }

  /** Call once, before rows of other processes are folded. */
  follow(following: Following): void {
    this.#following = following
  }

  /** What was not settled is, so that the rows before count as folded. */
  settled(realm: RealmOrdinal): void {
    if (this.#indexes.has(realm)) this.#shared?.tellFolded(realm)
  }

  get openRealms(): readonly RealmOrdinal[] {
    return [...this.#indexes.keys()]
  }

  /** How far the log of a realm that is not open has moved, as far as heartbeats have seen. */
  movedTo(realm: RealmOrdinal): number {
    return this.#due.get(realm)?.seq ?? 0
  }

  /** The last folded row of a realm; 0 for one that is not open. */
  foldedSeq(realm: RealmOrdinal): number {
    return this.#indexes.get(realm)?.seq ?? 0
  }

  testimony(): Testimony | undefined {
    return this.#shared?.testimony()
  }

  /**
   * Resolves with true once a log is folded up to this head and published; a realm that is not open is read to this head
   * when it is opened. False: the store could not be read.
   */
  async foldedThrough(realm: RealmOrdinal, head: LogHead): Promise<boolean> {
    if (!this.#indexes.has(realm)) {
      this.#due.set(realm, head)
      this.#following?.stirred(realm, head.seq)
      return true
    }
    try {
      await this.#shared?.foldThrough(realm, head)
      await this.#following?.settle(realm)
      return true
    } catch (error) {
      if (isOutage(error)) return false
      throw error
    }
  }

  /** Resolves once the group in flight is written and folded, or has failed. */
  landed(): Promise<void> {
    return this.#commits.landed()
  }

  /** @throws StoreUnavailable or Overloaded: assume nothing about the outcome; retrying is safe. */
  commit(write: Write, told?: Told<Outcome>): Promise<Outcome> {
    // An empty write acknowledges nothing: it asks whether the store takes writes, and so concerns no realm.
    const suspension = this.#suspensions.of(write.realm)
    if (suspension !== undefined && write.operations.length > 0 && !mendsLog(suspension, write))
      return Promise.reject(new RealmOutOfOrder(suspension.advice))
    this.#submitted += 1
    return this.#commits.submit(write, queueOf(write), told)
  }

  /** This realm's log is proved to be rolled back: until a new epoch begins it takes no writes, and no token is active. */
  suspend(realm: RealmOrdinal): void {
    this.#suspensions.rolledBack(realm)
  }

  /** Something that the whole realm depends on cannot be read: it takes no writes, and no token in it is active. */
  putOutOfOrder(realm: RealmOrdinal, why: string): void {
    this.#suspensions.unreadable(realm, why)
  }

  /** Why this realm's log takes no writes. */
  suspension(realm: RealmOrdinal): Suspension | undefined {
    return this.#suspensions.of(realm)
  }

  isSuspended(realm: RealmOrdinal): boolean {
    return this.#suspensions.has(realm)
  }

  /** The store's floor when last read. It only rises, so using an old value never removes anything too early. */
  get durableFloorMs(): number {
    return this.#durableFloorMs
  }

  /** Raises every index at once; durable from the next flush on. */
  raiseFloor(ms: number): void {
    if (ms <= this.#floorMs) return
    this.#floorMs = ms
    for (const index of this.#indexes.values()) index.raiseFloor(ms)
  }

  /**
   * Reads how far other nodes have raised the floor. If no recent write carried ours, an empty group in its turn makes it
   * durable.
   * @throws StoreUnavailable when the store does not confirm it.
   */
  async settleFloor(): Promise<void> {
    const durableMs = await this.#store.floor()
    this.#durableFloorMs = Math.max(this.#durableFloorMs, durableMs)
    this.raiseFloor(durableMs)
    if (durableMs < this.#floorMs) await this.probe()
  }

  /** Commits an empty group in its turn, to prove that the store takes writes. @throws StoreUnavailable, Overloaded. */
  async probe(): Promise<void> {
    const [realm] = this.#indexes.keys()
    if (realm !== undefined) await this.commit({ realm, dependsOn: [], expects: [], operations: [] })
  }

  /** Reopens the store if the last flush failed. @throws StoreUnavailable while it stays out of reach. */
  async recover(): Promise<void> {
    if (!this.#broken) return
    await this.#store.reopen()
    for (const [realm, index] of this.#indexes) {
      if (this.#suspensions.of(realm)?.kind === 'unreadable') continue
      // A shared store compares each group with what was folded, and watches bring the rest.
      if (this.#shared !== undefined && !this.#doubtful.has(realm)) continue
      const before = index.seq
      await this.keepingOf(realm).reload(this.#store, realm)
      try {
        await this.#readable(realm, index, () => this.#shared?.catchUp(realm) ?? this.#catchUp(realm, index))
      } finally {
        // Also after a partial catch-up: folded rows are not read again.
        if (index.seq > before && this.#shared === undefined) {
          this.#changed.anyChanged(realm, index.seq)
          this.#listeners.lost(realm)
        }
      }
    }
    this.#broken = false
    this.#doubtful.clear()
  }

  async close(): Promise<void> {
    await this.#commits.close()
  }

  async #flush(writes: readonly Write[]): Promise<readonly Outcome[]> {
    try {
      return await this.#flushed(writes)
    } finally {
      // Also after a failure: rows of others would be remembered until this process writes again.
      this.#shared?.answered()
    }
  }

  async #flushed(writes: readonly Write[]): Promise<readonly Outcome[]> {
    await this.recover()
    await this.#shared?.reloadKeeps()
    // From here to the snapshot for the store nothing may be awaited: a row in between would be compared by nobody.
    const fresh = withoutStale(writes, this.#staleness)
    const settled = fresh.length === 0 ? NOTHING_DONE : await this.#write(fresh)
    if (this.#shared !== undefined) return this.#settleShared(this.#shared, { writes, fresh, settled })
    let next = 0
    // `fresh` is a subsequence of `writes`, in the same order.
    const outcomes = writes.map((write) => {
      if (write !== fresh[next]) return STALE
      const outcome = settled.outcomes[next] as WriteOutcome
      next += 1
      return this.#foldWrite(write, outcome)
    })
    if (this.#listeners.hasGroups) {
      for (const publication of publicationsOf(fresh, settled)) this.#listeners.publish(publication)
    }
    return outcomes
  }

  async #settleShared(shared: SharedFold, { writes, fresh, settled }: Flushed): Promise<readonly Outcome[]> {
    try {
      await shared.settle(fresh, settled)
    } catch (error) {
      // It is written, but what came before it is not folded: nothing is acknowledged until it is.
      this.#broken = true
      for (const { realm } of fresh) this.#doubtful.add(realm)
      throw error
    }
    let next = 0
    const outcomes = writes.map((write) => {
      if (write !== fresh[next]) return STALE
      const outcome = settled.outcomes[next] as WriteOutcome
      next += 1
      return this.#answer(shared, write, outcome)
    })
    this.#nodes?.written(fresh, settled)
    return outcomes
  }

  /** The rows of a group are folded already, with those of others in between. */
  #answer(shared: SharedFold, { realm, operations }: Write, outcome: WriteOutcome): Outcome {
    if (outcome.kind !== 'applied') return outcome
    const { firstSeq } = outcome
    let seq = firstSeq
    let previousCutoff: Cutoff | undefined
    for (const operation of operations) {
      if (operation.kind === 'put-record') this.keepingOf(realm).learn(operation.record)
      if (operation.kind !== 'append') continue
      previousCutoff = shared.previousCutoff(realm, seq) ?? previousCutoff
      seq += 1
    }
    const { head } = this.#indexOf(realm)
    const at = seq > firstSeq ? position(ordinalOf(head), seq - 1) : head
    const applied = { kind: 'applied', at, seq: firstSeq } as const
    return previousCutoff === undefined ? applied : { ...applied, previousCutoff }
  }

  async #write(writes: readonly Write[]): Promise<GroupOutcome> {
    settleKeeps(writes, (realm) => this.keepingOf(realm))
    const floorMs = this.#floorMs
    const folded = this.#shared?.folded(writes)
    try {
      const done = await this.#commit(
        folded === undefined ? { writes, floorMs } : { writes, floorMs, folded },
      )
      this.#durableFloorMs = Math.max(this.#durableFloorMs, floorMs)
      return done
    } catch (error) {
      this.#broken = true
      for (const { realm } of writes) this.#doubtful.add(realm)
      throw new StoreUnavailable('the store did not confirm a commit', { cause: error })
    }
  }

  /** @throws ContractBroken when the realm is not open. */
  keepingOf(realm: RealmOrdinal): Keeping {
    const keeping = this.#keepings.get(realm)
    if (keeping === undefined) throw new ContractBroken(`realm ${realm} is not open`)
    return keeping
  }

  #foldWrite(write: Write, outcome: WriteOutcome): Outcome {
    if (outcome.kind !== 'applied') return outcome
    const index = this.#indexOf(write.realm)
    let seq = outcome.firstSeq
    let previousCutoff: Cutoff | undefined
    for (const operation of write.operations) {
      if (operation.kind === 'put-record') this.keepingOf(write.realm).learn(operation.record)
      if (operation.kind !== 'append') continue
      const { row } = operation
      const logged: LogRow = { seq, atMs: row.atMs, kind: traitsOf(row.rule).code, rule: row.bytes }
      previousCutoff = index.fold(logged).previousCutoff ?? previousCutoff
      if (row.rule.kind === 'epoch') this.#suspensions.epochBegun(write.realm)
      if (row.rule.kind === 'change') this.#changed.changed(write.realm, seq, row.rule.collection)
      this.#listeners.tell(write.realm, logged)
      seq += 1
    }
    const applied = { kind: 'applied', at: index.head, seq: outcome.firstSeq } as const
    return previousCutoff === undefined ? applied : { ...applied, previousCutoff }
  }

  /** A log that cannot be understood puts only its own realm out of order, from the first such row on. */
  async #readable(realm: RealmOrdinal, index: RevocationIndex, read: () => Promise<void>): Promise<void> {
    const why = await faultOf(index, read)
    if (why !== undefined) this.putOutOfOrder(realm, why)
  }

  #readableNow<T>(realm: RealmOrdinal, seq: number, read: () => T): T | undefined {
    try {
      return read()
    } catch (error) {
      if (!(error instanceof ContractBroken)) throw error
      this.putOutOfOrder(realm, `row ${seq} of its log: ${error.message}`)
      return undefined
    }
  }

  #indexOf(realm: RealmOrdinal): RevocationIndex {
    const index = this.#indexes.get(realm)
    if (index === undefined) throw new ContractBroken(`realm ${realm} is not open`)
    return index
  }
}

const ANOTHER_LOG = 'the log in the store is not the one that this process has folded'
const STALE: Outcome = { kind: 'stale' }
const NOTHING_DONE: GroupOutcome = { outcomes: [], heads: new Map() }
