import { Buckets } from './buckets.ts'

/** Seconds that rates and latencies of the stats are about. */
export const WINDOW_SECONDS = 60
/** One slot a second; more than the window, so that the running second and the oldest one share none. */
const SLOTS = 64
/** Route templates are few; the bound guards against mistakes. */
const ROUTES_MAX = 2_000

export type RequestTimesParts = {
  /** The class of a route, of a closed list. */
  readonly classOf: (route: string) => string
  readonly monotonicMs: () => number
}

type Slot = { second: number; refused: number; failed: number; readonly times: Buckets }

type Route = {
  readonly statuses: Map<number, number>
  readonly times: Buckets
  readonly slots: readonly Slot[]
}

/** What a class of requests did within a window. */
export type ClassRate = {
  readonly class: string
  readonly requests: number
  /** Answers of 400 to 499. */
  readonly refused: number
  /** Answers of 500 and above. */
  readonly failed: number
  readonly times: Buckets
}

/** Answers by route since the start, and by class within the last minute. */
export class RequestTimes {
  readonly #parts: RequestTimesParts
  readonly #routes: Map<string, Route> = new Map()
  readonly #classes: Map<string, readonly Slot[]> = new Map()
  readonly #beginSecond: number

  constructor(parts: RequestTimesParts) {
    this.#parts = parts
    this.#beginSecond = this.#second()
  }

  /** @param beganMs when the request was read, by the monotonic clock; undefined: it was refused before. */
  answered(route: string, status: number, beganMs: number | undefined): void {
    const known = this.#routes.get(route) ?? this.#made(route)
    if (known === undefined) return
    known.statuses.set(status, (known.statuses.get(status) ?? 0) + 1)
    const nowMs = this.#parts.monotonicMs()
    const second = Math.floor(nowMs / 1_000)
    const slot = known.slots[second % SLOTS] as Slot
    if (slot.second !== second) restart(slot, second)
    if (status >= 500) slot.failed += 1
    else if (status >= 400) slot.refused += 1
    const ms = beganMs === undefined ? 0 : nowMs - beganMs
    slot.times.add(ms)
    if (beganMs !== undefined) known.times.add(ms)
  }

  get routes(): Iterable<
    [string, { readonly statuses: ReadonlyMap<number, number>; readonly times: Buckets }]
  > {
    return this.#routes
  }

  /** The last whole seconds, at most a minute of them, by class. */
  window(): { readonly seconds: number; readonly classes: readonly ClassRate[] } {
    const second = this.#second()
    const seconds = Math.min(WINDOW_SECONDS, second - this.#beginSecond)
    const classes = Array.from(this.#classes, ([name, slots]) => {
      const of = slots.filter((slot) => slot.second < second && slot.second >= second - seconds)
      const times = new Buckets()
      for (const slot of of) times.merge(slot.times)
      const sum = (what: 'refused' | 'failed'): number => of.reduce((total, slot) => total + slot[what], 0)
      return { class: name, requests: times.total, refused: sum('refused'), failed: sum('failed'), times }
    })
    return { seconds, classes }
  }

  #made(route: string): Route | undefined {
    if (this.#routes.size >= ROUTES_MAX) return undefined
    const name = this.#parts.classOf(route)
    const slots = this.#classes.get(name) ?? Array.from({ length: SLOTS }, emptySlot)
    this.#classes.set(name, slots)
    const made = { statuses: new Map<number, number>(), times: new Buckets(), slots }
    this.#routes.set(route, made)
    return made
  }

  #second(): number {
    return Math.floor(this.#parts.monotonicMs() / 1_000)
  }
}

function emptySlot(): Slot {
  return { second: -1, refused: 0, failed: 0, times: new Buckets() }
}

function restart(slot: Slot, second: number): void {
  slot.second = second
  slot.refused = 0
  slot.failed = 0
  slot.times.clear()
}
