import type { Clock } from '@rescind/core'

type Planned = { readonly atMs: number; readonly nth: number; readonly task: () => void }

/** One time line for several machines. Nothing sleeps: each task runs when everything before it has settled. */
export class VirtualTime {
  #nowMs = 0
  #nth = 0
  #planned: Planned[] = []

  get nowMs(): number {
    return this.#nowMs
  }

  at(atMs: number, task: () => void): () => void {
    this.#nth += 1
    const planned = { atMs: Math.max(atMs, this.#nowMs), nth: this.#nth, task }
    const before = this.#planned.findIndex((one) => one.atMs > planned.atMs)
    this.#planned.splice(before < 0 ? this.#planned.length : before, 0, planned)
    return () => {
      this.#planned = this.#planned.filter((one) => one !== planned)
    }
  }

  async runUntil(endMs: number): Promise<void> {
    for (let next = this.#planned[0]; next !== undefined && next.atMs <= endMs; next = this.#planned[0]) {
      this.#planned.shift()
      this.#nowMs = next.atMs
      next.task()
      // Every promise settles that needs no time to pass.
      await new Promise((resolve) => setImmediate(resolve))
    }
    this.#nowMs = endMs
  }
}

export type Pause = { readonly fromMs: number; readonly ms: number }
export type MachineTraits = {
  /** How fast its monotonic clock runs: 1 is right. */
  readonly rate: number
  /** When its process is stopped; its clocks run on. */
  readonly pauses: readonly Pause[]
}

/** A machine with one process, which may be stopped for a while: whatever comes meanwhile is read when it goes on. */
export class Machine implements Clock {
  readonly #time: VirtualTime
  readonly #traits: MachineTraits

  constructor(time: VirtualTime, traits: MachineTraits) {
    this.#time = time
    this.#traits = traits
  }

  monotonicMs(): number {
    return this.#time.nowMs * this.#traits.rate
  }

  /** It stands still, so that a node which goes by it alone would never notice that time passes. */
  wallMs(): number {
    return 0
  }

  /** Runs a task of the process at a time, or when the process goes on. */
  run(atMs: number, task: () => void): () => void {
    let cancel = (): void => {}
    const plan = (at: number): void => {
      cancel = this.#time.at(at, () => {
        const now = this.#time.nowMs
        const pause = this.#traits.pauses.find(({ fromMs, ms }) => fromMs <= now && now < fromMs + ms)
        if (pause === undefined) task()
        else plan(pause.fromMs + pause.ms)
      })
    }
    plan(atMs)
    return () => cancel()
  }

  readonly later = (ms: number, task: () => void): (() => void) =>
    this.run(this.#time.nowMs + ms / this.#traits.rate, task)
}
