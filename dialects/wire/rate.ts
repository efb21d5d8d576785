/** Callers remembered at once; past it the longest idle is forgotten, which only ever gives it a fresh allowance. */
const CALLERS_MAX = 20_000

type Allowance = { tokens: number; readonly atMs: number }

/** A token bucket per caller: `perSecond` on average, as many at once. The clock is the caller's. */
export class RateLimit {
  readonly #perSecond: number
  readonly #burst: number
  readonly #callers: Map<string, Allowance> = new Map()

  /** @param perSecond 0 switches the limit off. */
  constructor(perSecond: number, burst: number = perSecond) {
    this.#perSecond = perSecond
    this.#burst = burst
  }

  /** @returns 0 when the caller may go on, else the whole seconds after which it may. */
  take(caller: string, nowMs: number): number {
    if (this.#perSecond === 0) return 0
    const allowance = { tokens: this.#tokensOf(caller, nowMs), atMs: nowMs }
    this.#remember(caller, allowance)
    if (allowance.tokens < 1) return this.#secondsUntil(allowance.tokens)
    allowance.tokens -= 1
    return 0
  }

  /** Whether anybody has taken anything: if not, nobody has to wait. */
  get knowsAny(): boolean {
    return this.#callers.size > 0
  }

  /** What `take` would return now; takes nothing. */
  waitSeconds(caller: string, nowMs: number): number {
    if (this.#perSecond === 0) return 0
    const tokens = this.#tokensOf(caller, nowMs)
    return tokens < 1 ? this.#secondsUntil(tokens) : 0
  }

  #tokensOf(caller: string, nowMs: number): number {
    const known = this.#callers.get(caller)
    if (known === undefined) return this.#burst
    const elapsedMs = Math.max(0, nowMs - known.atMs)
    return Math.min(this.#burst, known.tokens + (elapsedMs * this.#perSecond) / 1_000)
  }

  #secondsUntil(tokens: number): number {
    return Math.max(1, Math.ceil((1 - tokens) / this.#perSecond))
  }

  #remember(caller: string, allowance: Allowance): void {
    this.#callers.delete(caller)
    this.#callers.set(caller, allowance)
    if (this.#callers.size <= CALLERS_MAX) return
    const idlest = this.#callers.keys().next()
    if (!idlest.done) this.#callers.delete(idlest.value)
  }
}

/** One of the limits that something is counted by, and whose allowance of it. */
export type Counted = { readonly limit: RateLimit; readonly key: string }

/** @returns 0 when none of them is used up, else the whole seconds until that is so. Takes nothing. */
export function waitSecondsOf(counted: readonly Counted[], nowMs: number): number {
  return Math.max(0, ...counted.map(({ limit, key }) => limit.waitSeconds(key, nowMs)))
}

/** From each of them. */
export function takeOf(counted: readonly Counted[], nowMs: number): void {
  for (const { limit, key } of counted) limit.take(key, nowMs)
}
