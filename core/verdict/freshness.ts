import type { Position } from '../position.ts'
import type { ClockReading } from './floor.ts'
import type { Lag } from './verdict.ts'

/** A question sent at `sent` was answered: the log stood at `at` after the question had arrived. */
export type Proof = { readonly sent: ClockReading; readonly at: Position }

/**
 * How far a replica may be behind. It is fresh as of the time at which a question was *sent* whose answer, the log's
 * head as read after that, has been applied: nothing that a network holds back can make that moment look later.
 */
export class Freshness {
  readonly #boundMs: number
  #proved: ClockReading | undefined
  #rememberedWallMs: number | undefined
  /** Proofs whose rows have not all come yet, oldest first; at most one question is out, so these are few. */
  #waiting: Proof[] = []

  constructor(boundMs: number) {
    this.#boundMs = boundMs
  }

  /** The wall clock's reading at which this replica was last known to be complete; undefined before that. */
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

  /** What was read from a disk was true once; it is stale until the source was asked. */
  remember(wallMs: number): void {
    this.#rememberedWallMs = wallMs
  }

  /** The source is not to be believed: what it proved does not count any more. */
  distrust(): void {
    this.#rememberedWallMs = this.asOfMs
    this.#proved = undefined
    this.#waiting = []
  }

  /** Stale when either clock says so: a monotonic clock may stand still while a machine sleeps, a wall clock may step. */
  lag(now: ClockReading): Lag {
    const proved = this.#proved
    if (proved === undefined) return this.#rememberedWallMs === undefined ? 'starting' : 'stale'
    if (now.monotonicMs - proved.monotonicMs > this.#boundMs) return 'stale'
    return now.wallMs - proved.wallMs > this.#boundMs ? 'stale' : 'fresh'
  }
}

const WAITING_MAX = 16
