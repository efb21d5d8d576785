import type { FoldMarksOf, LeaseRow, Reading } from '@rescind/authority'
import { type RealmOrdinal, realmOrdinal } from '@rescind/core'
import type { Machine, VirtualTime } from './virtual-time.ts'

export const REALM: RealmOrdinal = realmOrdinal(1)
/** How long a node waits for an answer of the store. */
const ANSWER_MS = 1_500

/** What becomes of one call: how long it is under way, and whether a message of it is lost. */
export type Trip = {
  readonly thereMs: number
  /** Between two steps of the call, a commit and what comes after it for instance. */
  readonly gapMs: number
  readonly backMs: number
  readonly lost: 'request' | 'answer' | undefined
}

type Lease = { counter: number; readonly boundMs: number; readonly marks: Map<RealmOrdinal, number> }

/** A store that several nodes share, without any rows: what counts is when each step of a call is visible to the others. */
export class SharedStore {
  readonly #time: VirtualTime
  readonly #leases: Map<string, Lease> = new Map()
  readonly #told: (() => void)[] = []
  #head = 0

  constructor(time: VirtualTime) {
    this.#time = time
  }

  /** Called for everything that a node would be woken for. */
  onMoved(told: () => void): void {
    this.#told.push(told)
  }

  get head(): number {
    return this.#head
  }

  append(): number {
    this.#head += 1
    this.#moved()
    return this.#head
  }

  register(node: string, boundMs: number): boolean {
    this.#leases.set(node, { counter: 0, boundMs, marks: new Map() })
    return true
  }

  /** A request that comes after its retry changes nothing. */
  raise(node: string, counter: number): boolean {
    const lease = this.#lease(node)
    lease.counter = Math.max(lease.counter, counter)
    return true
  }

  mark(node: string, marks: FoldMarksOf): boolean {
    const lease = this.#lease(node)
    for (const [realm, { seq }] of marks) lease.marks.set(realm, Math.max(seq, lease.marks.get(realm) ?? 0))
    this.#moved()
    return true
  }

  reading(): Reading {
    const rows: LeaseRow[] = [...this.#leases].map(([node, { counter, boundMs, marks }]) => ({
      ...{ node, counter, boundMs },
      marks: new Map(marks),
    }))
    return { rows, heads: new Map([[REALM, this.#head]]) }
  }

  /** Runs each step at the store, one after the other. The last one's result is the answer; undefined: none came. */
  call<T>(machine: Machine, trip: Trip, steps: readonly (() => T)[]): Promise<T | undefined> {
    return new Promise((resolve) => {
      const cancel = machine.later(ANSWER_MS, () => resolve(undefined))
      if (trip.lost === 'request') return
      const step = (nth: number): void => {
        const result = (steps[nth] as () => T)()
        if (nth + 1 < steps.length) this.#time.at(this.#time.nowMs + trip.gapMs, () => step(nth + 1))
        else if (trip.lost === undefined)
          machine.run(this.#time.nowMs + trip.backMs, () => {
            cancel()
            resolve(result)
          })
      }
      this.#time.at(this.#time.nowMs + trip.thereMs, () => step(0))
    })
  }

  #lease(node: string): Lease {
    const lease = this.#leases.get(node)
    if (lease === undefined) throw new Error(`${node} has no lease row`)
    return lease
  }

  #moved(): void {
    for (const told of this.#told) told()
  }
}
