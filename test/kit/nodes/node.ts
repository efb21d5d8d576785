import { Acknowledger, FoldMarks, type Heads, Heartbeat } from '@rescind/authority'
import { isOutage, StoreUnavailable } from '@rescind/core'
import { REALM, type SharedStore, type Trip } from './shared-store.ts'
import type { Machine } from './virtual-time.ts'

const NO_CHAIN = Buffer.alloc(32)

export type NodeTraits = {
  readonly name: string
  readonly boundMs: number
  /** How long each fold takes, in turn. */
  readonly foldsMs: readonly number[]
  /** What becomes of each heartbeat, and of each other call, in turn. */
  readonly beats: readonly Trip[]
  readonly calls: readonly Trip[]
  /** A heartbeat that reads the heads before its counter is committed, as one statement would. */
  readonly readsHeadsFirst?: boolean
}

/** A node as far as others can see it: which row it has folded, and whether it answers. */
export class SimulatedNode {
  readonly heartbeat: Heartbeat
  readonly acknowledger: Acknowledger
  readonly #marks: FoldMarks
  readonly #store: SharedStore
  readonly #machine: Machine
  readonly #traits: NodeTraits
  #folded = 0
  #folds = 0
  #counter = 0
  #calls = 0
  #hasStarted = false
  #behind: { readonly seq: number; readonly settle: () => void }[] = []

  constructor(store: SharedStore, machine: Machine, traits: NodeTraits) {
    this.#store = store
    this.#machine = machine
    this.#traits = traits
    const { later } = machine
    const { name, boundMs } = traits
    this.#marks = new FoldMarks({
      later,
      write: async (marks) => (await this.#call(() => store.mark(name, marks))) === true,
    })
    this.heartbeat = new Heartbeat({
      ...{ clock: machine, later, boundMs, beat: () => this.#beat() },
      folded: async (heads) => {
        await this.#foldedTo(heads.get(REALM)?.seq ?? 0)
        return true
      },
    })
    this.acknowledger = new Acknowledger({
      ...{ self: name, boundMs, clock: machine, later, settledSeq: () => this.#folded },
      read: () => this.#call(() => store.reading()),
    })
    store.onMoved(() => machine.run(0, () => this.#woken()))
  }

  get hasStarted(): boolean {
    return this.#hasStarted
  }

  get folded(): number {
    return this.#folded
  }

  /** The row and the mark come before the log is read. */
  async start(): Promise<void> {
    const { name, boundMs } = this.#traits
    await this.#done(() => this.#store.register(name, boundMs))
    while (!(await this.#orUnknown(() => this.#marks.opening(REALM).then(() => true)))) continue
    this.#folded = await this.#done(() => this.#store.head)
    this.#hasStarted = true
    this.heartbeat.start()
  }

  /** @returns the row, once every node refuses what it ends; undefined: that is not known. */
  async revoke(): Promise<number | undefined> {
    return this.#orUnknown(async () => {
      const seq = this.#known(await this.#call(() => this.#store.append()))
      await this.#foldedTo(seq)
      await this.acknowledger.written(REALM, seq)
      return seq
    })
  }

  /** Finds something that is revoked already, by a read of the store, and acknowledges that. */
  async revokeAgain(): Promise<number | undefined> {
    return this.#orUnknown(async () => {
      const found = this.#known(await this.#call(() => this.#store.head))
      await this.acknowledger.unchanged(REALM)
      return found
    })
  }

  /** @returns the last row by which a request was judged; undefined: it got 503. */
  async judge(): Promise<number | undefined> {
    return this.#orUnknown(async () => {
      await this.heartbeat.fresh()
      return this.#folded
    })
  }

  async #orUnknown<T>(act: () => Promise<T>): Promise<T | undefined> {
    try {
      return await act()
    } catch (error) {
      if (!isOutage(error)) throw error
      return undefined
    }
  }

  #known<T>(answer: T | undefined): T {
    if (answer === undefined) throw new StoreUnavailable('no answer')
    return answer
  }

  async #done<T>(step: () => T): Promise<T> {
    for (;;) {
      const answer = await this.#call(step)
      if (answer !== undefined) return answer
    }
  }

  #call<T>(step: () => T): Promise<T | undefined> {
    const { calls } = this.#traits
    this.#calls += 1
    return this.#store.call(this.#machine, calls[this.#calls % calls.length] as Trip, [step])
  }

  async #beat(): Promise<Heads | undefined> {
    const { name, beats, readsHeadsFirst } = this.#traits
    this.#counter += 1
    const counter = this.#counter
    let reading = this.#store.reading()
    const read = (): boolean => {
      reading = this.#store.reading()
      return true
    }
    const raise = (): boolean => this.#store.raise(name, counter)
    const steps = readsHeadsFirst === true ? [read, raise] : [raise, read]
    const trip = beats[counter % beats.length] as Trip
    if ((await this.#store.call(this.#machine, trip, steps)) === undefined) return undefined
    this.acknowledger.noticed(reading.rows)
    return new Map([[REALM, { seq: reading.heads.get(REALM) ?? 0, chain: NO_CHAIN }]])
  }

  #woken(): void {
    if (!this.#hasStarted) return
    this.acknowledger.marked()
    if (this.#store.head > this.#folded) void this.#foldedTo(this.#store.head)
  }

  #foldedTo(seq: number): Promise<void> {
    if (seq <= this.#folded) return Promise.resolve()
    const { foldsMs } = this.#traits
    this.#folds += 1
    this.#machine.later(foldsMs[this.#folds % foldsMs.length] ?? 0, () => this.#fold(seq))
    return new Promise((settle) => {
      this.#behind.push({ seq, settle })
    })
  }

  #fold(seq: number): void {
    if (seq <= this.#folded) return
    this.#folded = seq
    this.#marks.folded(REALM, { seq, chain: NO_CHAIN })
    const due = this.#behind.filter((one) => one.seq <= seq)
    this.#behind = this.#behind.filter((one) => one.seq > seq)
    for (const { settle } of due) settle()
  }
}
