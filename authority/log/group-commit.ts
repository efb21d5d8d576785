import { Overloaded, StoreUnavailable } from '@rescind/core'
import type { Defer } from '../ports.ts'
import { Backlog, type SharePath } from './backlog.ts'
import type { CommitQueue } from './writes.ts'

/** Maximum writes of one flush: enough to fill a flush at every load that one process sees, few enough to stay below 10 ms. */
export const GROUP_MAX = 256
/** Writes that make a flush worth its cost; with more, each gets hardly cheaper. */
const GROUP_WORTH = 32
/** Room in a group that a flood of revocations leaves to other writes. */
const ISSUE_SHARE = 32
/** Maximum waiting writes that mint or administer; beyond it, the owner with most of them gets Overloaded. */
export const ISSUE_QUEUE_MAX = 4_096
/** Maximum waiting writes that revoke. Their queue is separate, so that a flood of sign-ins never turns a revocation away. */
export const REVOKE_QUEUE_MAX = 32_768

/** Maximum waiting writes of the server's own that nobody waits for. */
const BACKGROUND_QUEUE_MAX = 256

export type Flush<T, R> = (items: readonly T[]) => Promise<readonly R[]>

/** Called with an item's result before its caller's promise settles; `undefined`: outcome unknown. Must not throw. */
export type Told<R> = (result: R | undefined) => void

type Waiting<T, R> = {
  readonly item: T
  readonly told: Told<R> | undefined
  readonly settle: (result: R) => void
  readonly fail: (error: unknown) => void
}

/** Waiting writes of one kind: those of the next group in order of arrival, and behind them the backlog by owner. */
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

  /** @returns whether there was room, or another owner gave way. */
  add(one: Waiting<T, R>): boolean {
    // Owners matter only once more waits than fits into one group.
    if (this.#behind.size === 0 && this.#next.length < GROUP_MAX) {
      this.#next.push(one)
      return true
    }
    const path = this.#pathOf(one.item)
    if (this.length >= this.#max) {
      const given = this.#behind.giveWay(path)
      if (given === undefined) return false
      // It was not handed to the store, so nothing of it was written.
      given.fail(
        new Overloaded('the queue is full, and this realm, source or caller has the most waiting in it'),
      )
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
 * Turns single writes into groups. One flush is in flight; when it ends, everything that waits goes next, revocations
 * first. An idle store flushes at once, and no write waits for a timer. A full queue takes from the owner with most and
 * gives to those with less.
 */
export class GroupCommit<T, R> {
  readonly #flush: Flush<T, R>
  readonly #defer: Defer
  readonly #queues: Record<CommitQueue, Queue<T, R>>
  #busy = false
  /** The last group that was handed to the store. */
  #flight: Promise<unknown> | undefined
  #scheduled = false
  #closed = false
  #idle: (() => void)[] = []

  /** @param pathOf the owner of an item; without it all items share one owner. */
  constructor(flush: Flush<T, R>, defer: Defer, pathOf: (item: T) => SharePath = () => []) {
    this.#flush = flush
    this.#defer = defer
    this.#queues = {
      revoke: new Queue(REVOKE_QUEUE_MAX, pathOf),
      issue: new Queue(ISSUE_QUEUE_MAX, pathOf),
      background: new Queue(BACKGROUND_QUEUE_MAX, pathOf),
    }
  }

  get waiting(): number {
    const { revoke, issue, background } = this.#queues
    return revoke.length + issue.length + background.length
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

  /** Resolves once the group in flight was flushed, or failed. */
  async landed(): Promise<void> {
    await Promise.allSettled([this.#flight])
  }

  /** Refuses new writes, and resolves once all accepted ones are settled. */
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

  /** Never rejects: every failure goes to the callers of its group. */
  async #run(): Promise<void> {
    if (this.#busy) return
    this.#busy = true
    let flight = this.#start()
    while (flight !== undefined) {
      const answer = await flight
      // If a worthwhile group already waits, it starts first: the store works while the last group's callers get answers.
      const next = this.waiting >= GROUP_WORTH ? this.#start() : undefined
      answer()
      if (next === undefined) await this.#gather()
      flight = next ?? this.#start()
    }
    this.#busy = false
    for (const resolve of this.#idle.splice(0)) resolve()
  }

  /** Hands the next group to the store. Never rejects; resolves to a function that answers the group's callers. */
  #start(): Promise<() => void> | undefined {
    if (this.waiting === 0) return undefined
    const group = this.#take()
    const flushed = this.#flushed(group)
    this.#flight = flushed
    return flushed.then(
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

  /** An async function, so that a flush that throws at once also becomes a rejected promise. */
  async #flushed(group: readonly Waiting<T, R>[]): Promise<readonly R[]> {
    return await this.#flush(group.map((one) => one.item))
  }

  /**
   * Under load the next flush waits as long as each turn of the event loop brings more writes, up to a worthwhile group:
   * handing a group over costs as much as judging a request, and disks count flushes, not bytes. One turn without a new write
   * ends the wait, so no write waits for others that do not come.
   */
  async #gather(): Promise<void> {
    let seen = 0
    while (this.waiting > seen && this.waiting < GROUP_WORTH) {
      seen = this.waiting
      await new Promise<void>((resolve) => this.#defer(resolve))
    }
  }

  #take(): Waiting<T, R>[] {
    const { revoke, issue, background } = this.#queues
    const reserved = Math.min(issue.length, ISSUE_SHARE)
    const first = revoke.take(GROUP_MAX - reserved)
    const own = first.length === 0 ? background.take(1) : []
    return first.concat(issue.take(GROUP_MAX - first.length - own.length), own)
  }
}
