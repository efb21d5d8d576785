import { type MasterKey, type Minting, type Realm, Realms, type Store } from '@rescind/authority'
import type { Clock } from '@rescind/core'
import { SeededRandom } from './seeded-random.ts'
import { openTestStore } from './test-store.ts'

/** 2026-03-01T12:00:00.000Z: the start of every test's clock. */
export const START_MS = 1_772_366_400_000

/** A clock that moves only when a test says so. */
export class HandClock implements Clock {
  #nowMs = START_MS
  #steppedMs = 0

  wallMs(): number {
    return this.#nowMs + this.#steppedMs
  }

  monotonicMs(): number {
    return this.#nowMs - START_MS
  }

  advance(ms: number): void {
    this.#nowMs += ms
  }

  /** Steps the wall clock. */
  step(ms: number): void {
    this.#steppedMs += ms
  }
}

export type World = {
  readonly realms: Realms
  readonly realm: Realm
  readonly clock: HandClock
  readonly store: Store
}

export const MASTER: MasterKey = { bytes: Buffer.alloc(32, 7) }

/** Realms on this run's store or a given one, with a clock and randomness that tests control. */
export async function openWorld(
  given?: Store,
  { clock = new HandClock(), ...more }: { readonly minting?: Minting; readonly clock?: HandClock } = {},
): Promise<World> {
  const store = given ?? (await openTestStore(START_MS, clock))
  const realms = await Realms.open({
    store,
    clock,
    master: MASTER,
    random: new SeededRandom(),
    defer: (task) => queueMicrotask(task),
    ...more,
  })
  return { realms, realm: realms.default, clock, store }
}
