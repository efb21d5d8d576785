import type { Clock } from '@rescind/core'

/** Clocks and timers that move only when a test says so. The wall and monotonic clocks can move apart. */
export class HandTime implements Clock {
  #wall = 1_772_366_400_000
  #monotonic = 0
  #nth = 0
  readonly #planned: Map<number, { readonly atMs: number; readonly task: () => void }> = new Map()

  wallMs(): number {
    return this.#wall
  }

  monotonicMs(): number {
    return this.#monotonic
  }

  /** Steps the wall clock only, as an operator or a time server does. */
  step(ms: number): void {
    this.#wall += ms
  }

  readonly after = (ms: number, task: () => void): (() => void) => {
    this.#nth += 1
    const nth = this.#nth
    this.#planned.set(nth, { atMs: this.#monotonic + ms, task })
    return () => {
      this.#planned.delete(nth)
    }
  }

  /** Nothing is ever waiting to be received here. */
  readonly received = (): Promise<void> => Promise.resolve()

  /** Lets time pass, running each task when it is due, with everything that follows from it. */
  async run(ms: number): Promise<void> {
    const endMs = this.#monotonic + ms
    await settled()
    for (;;) {
      const next = [...this.#planned].sort(([, left], [, right]) => left.atMs - right.atMs)[0]
      if (next === undefined || next[1].atMs > endMs) break
      this.#planned.delete(next[0])
      this.#forward(next[1].atMs - this.#monotonic)
      next[1].task()
      await settled()
    }
    this.#forward(endMs - this.#monotonic)
  }

  /** Time passes and nothing runs, as in a stopped process (SIGSTOP) or a sleeping machine. */
  pause(ms: number, machineSlept = false): void {
    this.#wall += ms
    if (!machineSlept) this.#monotonic += ms
  }

  #forward(ms: number): void {
    if (ms <= 0) return
    this.#wall += ms
    this.#monotonic += ms
  }
}

/** Lets every promise settle that needs no time to pass. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await Promise.resolve()
}
