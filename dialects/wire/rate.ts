/** Callers remembered at once. When full, the longest idle one is forgotten, and starts again with a full allowance. */
const CALLERS_MAX = 20_000

type Allowance = { tokens: number; readonly atMs: number }

/** A token bucket per caller: `perSecond` on average, `burst` at once. The caller passes the time. */
export class RateLimit {
  readonly #perSecond: number
  readonly #burst: number
  readonly #callers: Map<string, Allowance> = new Map()

  /** @param perSecond 0 switches the limit off. */
  constructor(perSecond: number, burst: number = perSecond) {
    this.#perSecond = perSecond
    this.#burst = burst
  }

  /** @returns 0 when the caller may go on, else the whole seconds to wait. */
  take(caller: string, nowMs: number): number {
    if (this.#perSecond === 0) return 0
    const allowance = { tokens: this.#tokensOf(caller, nowMs), atMs: nowMs }
    this.#remember(caller, allowance)
    if (allowance.tokens < 1) return this.#secondsUntil(allowance.tokens)
    allowance.tokens -= 1
    return 0
  }

  /** False when no caller is remembered, so none has to wait. */
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

/** A limit and the key that it counts under. */
export type Counted = { readonly limit: RateLimit; readonly key: string }

/** @returns 0 when no limit is used up, else the whole seconds to wait. Takes nothing. */
export function waitSecondsOf(counted: readonly Counted[], nowMs: number): number {
  return Math.max(0, ...counted.map(({ limit, key }) => limit.waitSeconds(key, nowMs)))
}

/** Takes one from each limit. */
export function takeOf(counted: readonly Counted[], nowMs: number): void {
  for (const { limit, key } of counted) limit.take(key, nowMs)
}
