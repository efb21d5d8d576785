import type { Realm } from '@rescind/authority'
import { type Clock, Overloaded, SnapshotWriter } from '@rescind/core'
import type { Checkpoint } from '@rescind/core/log'
import type { Checkpoints } from './checkpoints.ts'

/** Maximum snapshots sent at a time; each may have tens of megabytes. */
export const SENDING_MAX = 8
/** Maximum verifiers that wait for a snapshot; others are told to return later. */
export const SENDING_QUEUE_MAX = 1_000
/** How long a snapshot is reused: readers get later rows from the stream. */
const REUSE_MS = 2_000
const KEEP_MS = 60_000
const HEAD_TRIES_MAX = 16

export type StoredSnapshot = { readonly position: string; readonly bytes: Buffer }

/** A realm's snapshot, made on request, and once for all concurrent requests. */
export class Snapshots {
  readonly #realm: Realm
  readonly #checkpoints: Checkpoints
  readonly #clock: Clock
  #latest: { readonly made: StoredSnapshot; readonly seq: number; readonly atMs: number } | undefined
  #making: Promise<StoredSnapshot> | undefined

  constructor(realm: Realm, checkpoints: Checkpoints, clock: Clock) {
    this.#realm = realm
    this.#checkpoints = checkpoints
    this.#clock = clock
  }

  /** @throws StoreUnavailable when the checkpoint for it cannot be read. */
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
    const checkpoint = await this.#settledHead()
    const position = this.#checkpoints.text(checkpoint)
    // Rows folded after the checkpoint was read are in it as well; the stream sends them again, which does no harm.
    const writer = new SnapshotWriter(this.#realm.index, position)
    while (writer.step()) await new Promise((resolve) => setImmediate(resolve))
    const made = { position, bytes: writer.bytes() }
    this.#latest = { made, seq: checkpoint.seq, atMs: this.#clock.monotonicMs() }
    return made
  }

  /** A checkpoint that equals the index's position when this resolves, unless rows keep coming. */
  async #settledHead(): Promise<Checkpoint> {
    let checkpoint = await this.#checkpoints.head()
    for (let again = 0; again < HEAD_TRIES_MAX && checkpoint.seq !== this.#realm.index.seq; again += 1) {
      checkpoint = await this.#checkpoints.head()
    }
    return checkpoint
  }

  /** Frees the memory after a while without requests. */
  dropOld(): void {
    if (this.#latest !== undefined && this.#clock.monotonicMs() - this.#latest.atMs > KEEP_MS)
      this.#latest = undefined
  }
}

/** One key may take one place in this many, of the places and of the queue, so that others get in. */
const SHARE = 2

/** Limits large answers: some are sent at a time, some wait, and the rest are refused; no key gets all places. */
export class Turnstile {
  readonly #max: number
  readonly #queueMax: number
  readonly #inside: Map<string, number> = new Map()
  readonly #waiting: { readonly key: string; readonly go: () => void }[] = []
  #taken = 0

  constructor(max: number, queueMax: number) {
    this.#max = max
    this.#queueMax = queueMax
  }

  /** @returns a function that frees the place; call it once. @throws Overloaded when too many wait. */
  async enter(key: string): Promise<() => void> {
    if (this.#isFreeFor(key)) this.#take(key)
    else {
      const own = this.#waiting.filter((one) => one.key === key).length
      if (this.#waiting.length >= this.#queueMax || own >= this.#queueMax / SHARE)
        throw new Overloaded('too many requests for snapshots are waiting; try again later')
      await new Promise<void>((go) => this.#waiting.push({ key, go }))
    }
    let left = false
    return () => {
      if (left) return
      left = true
      this.#leave(key)
    }
  }

  #isFreeFor(key: string): boolean {
    return this.#taken < this.#max && (this.#inside.get(key) ?? 0) < this.#max / SHARE
  }

  #take(key: string): void {
    this.#taken += 1
    this.#inside.set(key, (this.#inside.get(key) ?? 0) + 1)
  }

  /** Gives the place to the longest waiting key that may take one. */
  #leave(key: string): void {
    this.#taken -= 1
    const own = (this.#inside.get(key) ?? 1) - 1
    if (own === 0) this.#inside.delete(key)
    else this.#inside.set(key, own)
    const at = this.#waiting.findIndex((one) => this.#isFreeFor(one.key))
    const [next] = at < 0 ? [] : this.#waiting.splice(at, 1)
    if (next === undefined) return
    this.#take(next.key)
    next.go()
  }
}
