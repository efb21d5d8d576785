import type { Realm } from '@rescind/authority'
import { type Clock, Overloaded, SnapshotWriter } from '@rescind/core'
import type { Checkpoint } from '@rescind/core/log'
import type { Checkpoints } from './checkpoints.ts'

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
  readonly #checkpoints: Checkpoints
  readonly #clock: Clock
  #latest: { readonly made: StoredSnapshot; readonly seq: number; readonly atMs: number } | undefined
  #making: Promise<StoredSnapshot> | undefined

  constructor(realm: Realm, checkpoints: Checkpoints, clock: Clock) {
    this.#realm = realm
    this.#checkpoints = checkpoints
    this.#clock = clock
  }

  /** @throws StoreUnavailable when the checkpoint that it would be at cannot be read. */
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
    // Rows that were folded since the checkpoint was read are in it as well; the stream tells of them again.
    const writer = new SnapshotWriter(this.#realm.index, position)
    while (writer.step()) await new Promise((resolve) => setImmediate(resolve))
    const made = { position, bytes: writer.bytes() }
    this.#latest = { made, seq: checkpoint.seq, atMs: this.#clock.monotonicMs() }
    return made
  }

  /** A checkpoint at which the index is when this resolves, unless it never rests. */
  async #settledHead(): Promise<Checkpoint> {
    let checkpoint = await this.#checkpoints.head()
    for (let again = 0; again < HEAD_TRIES_MAX && checkpoint.seq !== this.#realm.index.seq; again += 1) {
      checkpoint = await this.#checkpoints.head()
    }
    return checkpoint
  }

  /** Gives the memory back when nobody has asked for long. */
  dropOld(): void {
    if (this.#latest !== undefined && this.#clock.monotonicMs() - this.#latest.atMs > KEEP_MS)
      this.#latest = undefined
  }
}

/** Of the places and of the queue: the part that one key may have, so that others get in beside it. */
const SHARE = 2

/** Places for answers that are large: so many go out at a time, some wait, and more are turned away; no key has all. */
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

  /** @returns what gives the place back; once. @throws Overloaded when too many wait. */
  async enter(key: string): Promise<() => void> {
    if (this.#isFreeFor(key)) this.#take(key)
    else {
      const own = this.#waiting.filter((one) => one.key === key).length
      if (this.#waiting.length >= this.#queueMax || own >= this.#queueMax / SHARE)
        throw new Overloaded('too many wait for a snapshot')
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

  /** The place goes to whoever has waited longest among those who may have one. */
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
