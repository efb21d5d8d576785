import { Overloaded, StoreUnavailable } from '@rescind/core'
import type { Defer } from '../ports.ts'
import { Backlog, type SharePath } from './backlog.ts'

/** Writes of one flush. Enough to fill a flush at any load one process sees; small enough to stay below 10 ms. */
export const GROUP_MAX = 256
/** Writes that make a flush worth its price; more of them make it hardly cheaper for each. */
const GROUP_WORTH = 32
/** Places in a group that a flood of revocations leaves to the rest. */
const ISSUE_SHARE = 32
/** Writes waiting that mint or administer; past it those of whom most waits are asked to come back. */
export const ISSUE_QUEUE_MAX = 4_096
/** Writes waiting that revoke; their own, so that a flood of sign-ins never turns a revocation away. */
export const REVOKE_QUEUE_MAX = 32_768

export type CommitQueue = 'revoke' | 'issue'
export type Flush<T, R> = (items: readonly T[]) => Promise<readonly R[]>

/** Told how an item went, `undefined` when nobody knows, before whoever waits for it. Must not throw. */
export type Told<R> = (result: R | undefined) => void

type Waiting<T, R> = {
  readonly item: T
  readonly told: Told<R> | undefined
  readonly settle: (result: R) => void
  readonly fail: (error: unknown) => void
}

/** Writes of one kind that wait: those of the next group as they came, and behind them, in turns, whatever is more. */
class Queue<T, R> {
  readonly #max: number
  readonly #pathOf: (item: T) => SharePath
  readonly #next: Waiting<T, R>[] = []
  readonly #behind: Backlog<Waiting<T, R>> = new Backlog()

  constructor(max: number, pathOf: (item: T) => SharePath) {
    this.#max = max
    this.#pathOf = pathOf
  }

  get length(): number {
    return this.#next.length + this.#behind.size
  }

  /** @returns whether there was room for it, or somebody with more gave way. */
  add(one: Waiting<T, R>): boolean {
    // Whose it is matters only to who waits for longer than a group.
    if (this.#behind.size === 0 && this.#next.length < GROUP_MAX) {
      this.#next.push(one)
      return true
    }
    const path = this.#pathOf(one.item)
    if (this.length >= this.#max) {
      const given = this.#behind.giveWay(path)
      if (given === undefined) return false
      // It was handed to nobody yet, so that nothing of it was written.
      given.fail(new Overloaded('others, of whom less waits, come first'))
    }
    this.#behind.add(one, path)
    return true
  }

  take(max: number): Waiting<T, R>[] {
    const taken = this.#next.splice(0, max)
    return taken.length === max ? taken : taken.concat(this.#behind.take(max - taken.length))
  }
}

/**
 * The policy by which single writes become groups: one flush in flight; when it is done, all that waits goes next,
 * revocations first. Nobody waits when the store is idle, and nobody waits for a timer. A full queue takes from who has
 * most in it and gives to who has less.
 */
export class GroupCommit<T, R> {
  readonly #flush: Flush<T, R>
  readonly #defer: Defer
  readonly #queues: Record<CommitQueue, Queue<T, R>>
  #busy = false
  #scheduled = false
  #closed = false
  #idle: (() => void)[] = []

  /** @param pathOf whose an item is; all are nobody's without it. */
  constructor(flush: Flush<T, R>, defer: Defer, pathOf: (item: T) => SharePath = () => []) {
    this.#flush = flush
    this.#defer = defer
    this.#queues = { revoke: new Queue(REVOKE_QUEUE_MAX, pathOf), issue: new Queue(ISSUE_QUEUE_MAX, pathOf) }
  }

  get waiting(): number {
    return this.#queues.revoke.length + this.#queues.issue.length
  }

  /** @throws Overloaded when the queue is full, StoreUnavailable after close; otherwise as the flush decides. */
  submit(item: T, which: CommitQueue, told?: Told<R>): Promise<R> {
    if (this.#closed) return Promise.reject(new StoreUnavailable('the server is stopping'))
    const queue = this.#queues[which]
    const result = new Promise<R>((settle, fail) => {
      if (!queue.add({ item, told, settle, fail })) fail(new Overloaded(`the ${which} queue is full`))
    })
    this.#schedule()
    return result
  }

  /** Stops taking writes and resolves when all that were taken are settled. */
  async close(): Promise<void> {
    this.#closed = true
    if (!this.#busy && this.waiting === 0) return
    await new Promise<void>((resolve) => {
      this.#idle.push(resolve)
    })
  }

  #schedule(): void {
    if (this.#busy || this.#scheduled) return
    this.#scheduled = true
    this.#defer(() => {
      this.#scheduled = false
      void this.#run()
    })
  }

  /** Never rejects: every failure is handed to those who wait. */
  async #run(): Promise<void> {
    if (this.#busy) return
    this.#busy = true
    let flight = this.#start()
    while (flight !== undefined) {
      const answer = await flight
      // A whole group that waits already goes first: the store works while the callers of the last one are answered.
      const next = this.waiting >= GROUP_WORTH ? this.#start() : undefined
      answer()
      if (next === undefined) await this.#gather()
      flight = next ?? this.#start()
    }
    this.#busy = false
    for (const resolve of this.#idle.splice(0)) resolve()
  }

  /** Hands the next group to the store. Resolves, never rejects, with what tells its callers how it went. */
  #start(): Promise<() => void> | undefined {
    if (this.waiting === 0) return undefined
    const group = this.#take()
    return this.#flushed(group).then(
      (results) => () => {
        for (let at = 0; at < group.length; at += 1) {
          const one = group[at] as Waiting<T, R>
          one.told?.(results[at])
          one.settle(results[at] as R)
        }
      },
      (error: unknown) => () => {
        for (const one of group) {
          one.told?.(undefined)
          one.fail(error)
        }
      },
    )
  }

  /** Also a flush that throws at once is a promise that rejects. */
  async #flushed(group: readonly Waiting<T, R>[]): Promise<readonly R[]> {
    return await this.#flush(group.map((one) => one.item))
  }

  /**
   * Under load the next flush waits while every turn of the event loop brings more writes, up to a group that is worth
   * its flush: handing a group over costs as much as judging a request, and disks count flushes, not bytes. A turn
   * that brings nothing ends it, so nobody waits for those who are not there.
   */
  async #gather(): Promise<void> {
    let seen = 0
    while (this.waiting > seen && this.waiting < GROUP_WORTH) {
      seen = this.waiting
      await new Promise<void>((resolve) => this.#defer(resolve))
    }
  }

  #take(): Waiting<T, R>[] {
    const { revoke, issue } = this.#queues
    const reserved = Math.min(issue.length, ISSUE_SHARE)
    const first = revoke.take(GROUP_MAX - reserved)
    return first.concat(issue.take(GROUP_MAX - first.length))
  }
}
