import type { RealmOrdinal } from '@rescind/core'
import type { Reading } from './acknowledge.ts'
import type { Heads } from './heartbeat.ts'
import type { InstanceRow, InstancesRead } from './instance-rows.ts'
import type { FoldedBy, FoldMarksOf, LeaseRow } from './lease.ts'
import type { TakeoverPort } from './takeover.ts'

/** The answer to a heartbeat. */
export type Beat = {
  /** The ends of the logs that moved since the last heartbeat whose answer came. */
  readonly heads: Heads
  /** Realms whose log is known to have been rolled back. */
  readonly forked: readonly RealmOrdinal[]
  readonly rows: readonly LeaseRow[]
  /** The store's wall clock. */
  readonly nowMs: number
}

export type NodesTold = {
  /** Another server has taken over from the store's: nothing is read or written before `goOn`. */
  readonly takenOver: () => void
  /** Another node has moved its marks; `said`: how far it has folded some logs, if the store has told. */
  readonly marked: (said?: FoldedBy) => void
  /** These logs have another chain in the store than this node has folded. */
  readonly forked: (realms: readonly RealmOrdinal[]) => void
  /** A connection was lost, and there is another one: the store may have been restarted. */
  readonly reconnected: () => void
}

/** Whether a node does the upkeep: on, from now on, or another one does. */
export type UpkeepTurn = 'kept' | 'taken' | 'other'

/** Groups that this process has handed to the store since its start. */
export type GroupCounts = {
  readonly groups: number
  /** Tries that wrote nothing, and were repeated. */
  readonly retries: number
  /** Tries after which it was not known whether anything was written, until the store was asked. */
  readonly unknown: number
}

/** What a store keeps about the processes that share it. Each has one row, under the id of its start. */
export interface NodesPort {
  readonly self: string
  readonly counts: GroupCounts
  /** Why the last heartbeat or mark failed; undefined: none did since one was confirmed. */
  readonly failure: string | undefined
  readonly takeover: TakeoverPort
  /** Writes this node's row; before any log is read. @throws StoreUnavailable. */
  register(boundMs: number, told: NodesTold): Promise<void>
  /**
   * Raises this node's counter, publishes what changed about verifiers, and then reads the heads. Undefined: its outcome is
   * not known. One at a time.
   */
  beat(instances: readonly InstanceRow[]): Promise<Beat | undefined>
  /**
   * Begins to read when it is called: what the nodes have published about verifiers since a reading, or all of it. Undefined:
   * it cannot be read now.
   */
  readInstances(since: string | undefined): Promise<InstancesRead | undefined>
  /** False: the marks may not be there. `durably`: a crash of the store cannot undo them. */
  mark(marks: FoldMarksOf, durably: boolean): Promise<boolean>
  /** Begins to read when it is called, on the primary. Undefined: the store cannot be read now. */
  read(realms: readonly RealmOrdinal[]): Promise<Reading | undefined>
  /**
   * Asks to do the upkeep. It is taken over from a node whose heartbeats stood still between two calls; from then on the
   * store refuses that node's upkeep writes. @param nowMs by the monotonic clock. @throws StoreUnavailable.
   */
  claimUpkeep(nowMs: number): Promise<UpkeepTurn>
  /** Removes the rows of processes that have stood still for long. @param nowMs by the monotonic clock. @throws StoreUnavailable. */
  forgetDead(nowMs: number): Promise<void>
  /** Says which master keys this node has: the one of its file, then the next one, if it is there. @throws StoreUnavailable. */
  announceKeys(ids: readonly string[]): Promise<void>
  /** What each node has announced last, by node. @throws StoreUnavailable. */
  announcedKeys(): Promise<ReadonlyMap<string, readonly string[]>>
  /** Removes this node's row, once it answers nothing any more. */
  leave(): Promise<void>
}
