import type { Position } from '../position.ts'
import type { ClockReading } from './floor.ts'
import type { Lag } from './verdict.ts'

/** A question sent at `sent` was answered: the log's head was `at`, read after the question arrived. */
export type Proof = { readonly sent: ClockReading; readonly at: Position }

/**
 * How far a replica may be behind. It is as fresh as the *sending* of the last question whose answer, the log's head read
 * after that, it has applied. So a delay in the network never makes it look fresher than it is.
 */
export class Freshness {
  readonly #boundMs: number
  #proved: ClockReading | undefined
  #rememberedWallMs: number | undefined
  /** Proofs whose rows have not all arrived, oldest first; only one question is out at a time, so these are few. */
  #waiting: Proof[] = []

  constructor(boundMs: number) {
    this.#boundMs = boundMs
  }

  /** The wall-clock time as of which this replica was last known complete; undefined before that. */
  get asOfMs(): number | undefined {
    return this.#proved?.wallMs ?? this.#rememberedWallMs
  }

  get isWaiting(): boolean {
    return this.#waiting.length > 0
  }

  prove(proof: Proof, applied: Position): void {
    this.#waiting.push(proof)
    if (this.#waiting.length > WAITING_MAX) this.#waiting.splice(1, 1)
    this.applied(applied)
  }

  applied(at: Position): void {
    while (this.#waiting[0] !== undefined && this.#waiting[0].at <= at) {
      this.#proved = this.#waiting.shift()?.sent
    }
  }

  /** State read from disk was true once; it stays stale until the source answers. */
  remember(wallMs: number): void {
    this.#rememberedWallMs = wallMs
  }

  /** The source is no longer trusted: its proofs do not count any more. */
  distrust(): void {
    this.#rememberedWallMs = this.asOfMs
    this.#proved = undefined
    this.#waiting = []
  }

  /** Stale when either clock says so: a monotonic clock may stop while a machine sleeps, a wall clock may step. */
  lag(now: ClockReading): Lag {
    const proved = this.#proved
    if (proved === undefined) return this.#rememberedWallMs === undefined ? 'starting' : 'stale'
    if (now.monotonicMs - proved.monotonicMs > this.#boundMs) return 'stale'
    return now.wallMs - proved.wallMs > this.#boundMs ? 'stale' : 'fresh'
  }
}

const WAITING_MAX = 16
