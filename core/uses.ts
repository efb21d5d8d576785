import type { Handle } from './ids.ts'
import { sextetsAt } from './sextets.ts'

/** Uses that are held until they are written down; past it, others are not noted for a while. */
export const USES_MAX = 200_000
const MINUTE_MS = 60_000

export type Use = {
  readonly handle: Handle
  readonly minuteMs: number
  /** When the token ends, if whoever noted its use knew. */
  readonly expiresAtMs: number | undefined
}

/**
 * When tokens were last used, to the minute, until that is written beside the log. Noting is on the path of every check:
 * it looks at one place, and appends what is new, to columns that the garbage collector has nothing to do with; a map is
 * made of them only where somebody asks.
 */
export class Uses {
  /** What was noted last, by some bits of its handle. */
  readonly #lastHandles: (Handle | undefined)[] = new Array<Handle | undefined>(NOTED)
  readonly #lastMinutes: Float64Array = new Float64Array(NOTED)
  #handles: Handle[] = []
  #minutes: number[] = []
  #expiries: number[] = []
  #first = 0
  /** Where the latest use of a handle stands, counted from the first that ever was noted. */
  readonly #latest: Map<Handle, number> = new Map()
  #mapped = 0
  #gone = 0

  note(handle: Handle, nowMs: number, expiresAtMs: number = Number.NaN): void {
    const minuteMs = nowMs - (nowMs % MINUTE_MS)
    const slot = sextetsAt(handle, HANDLE_AT, BITS_CHARS) % NOTED
    if (this.#lastMinutes[slot] === minuteMs && this.#lastHandles[slot] === handle) return
    if (this.#handles.length - this.#first >= USES_MAX) return
    this.#lastMinutes[slot] = minuteMs
    this.#lastHandles[slot] = handle
    this.#handles.push(handle)
    this.#minutes.push(minuteMs)
    this.#expiries.push(expiresAtMs)
  }

  /** The minute of the last use that is not written down yet. */
  get(handle: Handle): number | undefined {
    for (; this.#mapped < this.#handles.length; this.#mapped += 1) {
      this.#latest.set(this.#handles[this.#mapped] as Handle, this.#gone + this.#mapped)
    }
    const at = this.#latest.get(handle)
    return at === undefined ? undefined : this.#minutes[at - this.#gone]
  }

  /** The first of those that are to be written down, in their order; each stays until `written` has been told. */
  some(count: number): readonly Use[] {
    const some: Use[] = []
    const end = Math.min(this.#handles.length, this.#first + count)
    for (let at = this.#first; at < end; at += 1) {
      const expiresAtMs = this.#expiries[at] as number
      some.push({
        handle: this.#handles[at] as Handle,
        minuteMs: this.#minutes[at] as number,
        expiresAtMs: Number.isNaN(expiresAtMs) ? undefined : expiresAtMs,
      })
    }
    return some
  }

  /** @param count how many of the first ones. */
  written(count: number): void {
    for (const end = this.#first + count; this.#first < end; this.#first += 1) {
      const handle = this.#handles[this.#first] as Handle
      // One that was used again meanwhile has more to say.
      if (this.#latest.get(handle) === this.#gone + this.#first) this.#latest.delete(handle)
    }
    // Those that stay are moved rarely.
    if (this.#first * 2 >= this.#handles.length) this.#dropFirst()
  }

  #dropFirst(): void {
    const first = this.#first
    this.#handles = this.#handles.slice(first)
    this.#minutes = this.#minutes.slice(first)
    this.#expiries = this.#expiries.slice(first)
    this.#gone += first
    this.#mapped = Math.max(0, this.#mapped - first)
    this.#first = 0
  }
}

const NOTED = 16_384
/** Behind `tok_`. */
const HANDLE_AT = 4
const BITS_CHARS = 3
