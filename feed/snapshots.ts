import { type Clock, Overloaded, type Place, type Realm, SnapshotWriter } from '@rescind/core'
import type { Places } from './places.ts'

/** Snapshots on their way at a time; each may be tens of megabytes. */
export const SENDING_MAX = 8
/** Verifiers that wait for one; more are told to come back. */
export const SENDING_QUEUE_MAX = 1_000
/** A snapshot serves all who ask within this time: what came since, the stream tells them. */
const REUSE_MS = 2_000
const KEEP_MS = 60_000
const HEAD_TRIES_MAX = 16

export type StoredSnapshot = { readonly position: string; readonly bytes: Buffer }

/** A realm's snapshot, made when somebody asks, and once for all who ask at the same time. */
export class Snapshots {
  readonly #realm: Realm
  readonly #places: Places
  readonly #clock: Clock
  #latest: { readonly made: StoredSnapshot; readonly seq: number; readonly atMs: number } | undefined
  #making: Promise<StoredSnapshot> | undefined

  constructor(realm: Realm, places: Places, clock: Clock) {
    this.#realm = realm
    this.#places = places
    this.#clock = clock
  }

  /** @throws StoreUnavailable when the place that it would stand at cannot be read. */
  get(): Promise<StoredSnapshot> {
    const latest = this.#latest
    if (latest !== undefined) {
      const isYoung = this.#clock.monotonicMs() - latest.atMs < REUSE_MS
      if (isYoung || latest.seq === this.#realm.index.seq) return Promise.resolve(latest.made)
    }
    this.#making ??= this.#make().finally(() => {
      this.#making = undefined
    })
    return this.#making
  }

  async #make(): Promise<StoredSnapshot> {
    this.#latest = undefined
    const place = await this.#settledHead()
    const position = this.#places.text(place)
    // Rows that were folded since the place was read are in it as well; the stream tells of them again.
    const writer = new SnapshotWriter(this.#realm.index, position)
    while (writer.step()) await new Promise((resolve) => setImmediate(resolve))
    const made = { position, bytes: writer.bytes() }
    this.#latest = { made, seq: place.seq, atMs: this.#clock.monotonicMs() }
    return made
  }

  /** A place at which the index stands when this resolves, unless it never rests. */
  async #settledHead(): Promise<Place> {
    let place = await this.#places.head()
    for (let again = 0; again < HEAD_TRIES_MAX && place.seq !== this.#realm.index.seq; again += 1) {
      place = await this.#places.head()
    }
    return place
  }

  /** Gives the memory back when nobody has asked for long. */
  dropOld(): void {
    if (this.#latest !== undefined && this.#clock.monotonicMs() - this.#latest.atMs > KEEP_MS)
      this.#latest = undefined
  }
}

/** Places for answers that are large: so many go out at a time, some wait, and more are turned away. */
export class Turnstile {
  readonly #max: number
  readonly #queueMax: number
  #inside = 0
  readonly #waiting: (() => void)[] = []

  constructor(max: number, queueMax: number) {
    this.#max = max
    this.#queueMax = queueMax
  }

  /** @returns what gives the place back; once. @throws Overloaded when too many wait. */
  async enter(): Promise<() => void> {
    if (this.#inside < this.#max) this.#inside += 1
    else {
      if (this.#waiting.length >= this.#queueMax) throw new Overloaded('too many wait for a snapshot')
      await new Promise<void>((resolve) => this.#waiting.push(resolve))
    }
    let left = false
    return () => {
      if (left) return
      left = true
      const next = this.#waiting.shift()
      if (next === undefined) this.#inside -= 1
      else next()
    }
  }
}
