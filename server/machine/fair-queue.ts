import { Overloaded } from '@rescind/core'
import { addressShare, newestOfMost } from '@rescind/dialects'

/** What a task's turn depends on: the address that it comes from and the account that it concerns. */
export type Turn = { readonly from: string; readonly account: string }

type Task = {
  readonly from: string
  readonly account: string
  readonly start: () => Promise<void>
  readonly refuse: (why: Overloaded) => void
}

/**
 * Waiting tasks, served in turns by address and, within an address, by account. A full queue drops a task of the largest
 * share, by address or by account, in favour of a smaller one, so a flood from one caller cannot keep others out.
 */
export class FairQueue {
  readonly #max: number
  readonly #words: string
  /** In the order of arrival. */
  readonly #waiting: Set<Task> = new Set()
  /** When each waiting share last had a turn, or arrived; leaving and coming back gains nothing. */
  readonly #turns: Map<string, number> = new Map()
  #turn = 0
  #isClosed = false

  constructor(max: number, words: string) {
    this.#max = max
    this.#words = words
  }

  get size(): number {
    return this.#waiting.size
  }

  /** @throws Overloaded when the queue is full and no share in it is larger than this task's. */
  add<T>({ from, account }: Turn, work: () => Promise<T>): Promise<T> {
    const share = addressShare(from)
    if (this.#isClosed) return Promise.reject(new Overloaded('the server is stopping'))
    if (this.#waiting.size >= this.#max && !this.#makeRoom(share, account))
      return Promise.reject(new Overloaded(this.#words))
    return new Promise<T>((resolve, reject) => {
      const start = (): Promise<void> => work().then(resolve, reject)
      const task = { from: share, account, start, refuse: reject }
      for (const key of keysOf(task)) if (!this.#turns.has(key)) this.#turns.set(key, this.#turn)
      this.#waiting.add(task)
    })
  }

  /** Refuses all waiting and all later tasks. */
  close(): void {
    this.#isClosed = true
    for (const { refuse } of this.#waiting) refuse(new Overloaded('the server is stopping'))
    this.#waiting.clear()
    this.#turns.clear()
  }

  /**
   * Removes and returns the next task: from the address served longest ago, and there from the account served longest
   * ago.
   */
  next(): (() => Promise<void>) | undefined {
    let best: Task | undefined
    for (const task of this.#waiting) if (best === undefined || this.#isEarlier(task, best)) best = task
    if (best === undefined) return undefined
    this.#turn += 1
    for (const key of keysOf(best)) this.#turns.set(key, this.#turn)
    this.#remove(best)
    return best.start
  }

  #remove(task: Task): void {
    this.#waiting.delete(task)
    const left = new Set([...this.#waiting].flatMap(keysOf))
    for (const key of keysOf(task)) if (!left.has(key)) this.#turns.delete(key)
  }

  #isEarlier(one: Task, other: Task): boolean {
    for (const [nth, key] of keysOf(one).entries()) {
      const [at = 0, than = 0] = [this.#turns.get(key), this.#turns.get(keysOf(other)[nth] ?? '')]
      if (at !== than) return at < than
    }
    return false
  }

  #makeRoom(from: string, account: string): boolean {
    return this.#takeFrom((task) => task.from, from) || this.#takeFrom((task) => task.account, account)
  }

  #takeFrom(nameOf: (task: Task) => string, mine: string): boolean {
    const last = newestOfMost([...this.#waiting], nameOf, mine)
    if (last === undefined) return false
    this.#remove(last)
    last.refuse(new Overloaded(this.#words))
    return true
  }
}

function keysOf({ from, account }: Task): readonly [address: string, account: string] {
  return [from, `${from} ${account}`]
}
