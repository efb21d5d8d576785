import type { Handle } from './ids.ts'

/** Tokens whose last use is held until it is written down; past it, the uses of others are not noted for a while. */
export const USES_MAX = 200_000
const MINUTE_MS = 60_000

/** When tokens were last used, to the minute, until that is written beside the log: noting costs no more than a map. */
export class Uses {
  readonly #minutes: Map<Handle, number> = new Map()

  note(handle: Handle, nowMs: number): void {
    const minute = nowMs - (nowMs % MINUTE_MS)
    const known = this.#minutes.get(handle)
    if (known === minute || (known === undefined && this.#minutes.size >= USES_MAX)) return
    this.#minutes.set(handle, minute)
  }

  /** The minute of the last use that is not written down yet. */
  get(handle: Handle): number | undefined {
    return this.#minutes.get(handle)
  }

  /** Some of those that are to be written down; each stays until `written` has been told. */
  some(count: number): readonly (readonly [handle: Handle, minuteMs: number])[] {
    const some: (readonly [Handle, number])[] = []
    for (const use of this.#minutes) {
      if (some.length === count) break
      some.push(use)
    }
    return some
  }

  written(uses: readonly (readonly [handle: Handle, minuteMs: number])[]): void {
    for (const [handle, minute] of uses) {
      // One that was used again meanwhile has more to say.
      if (this.#minutes.get(handle) === minute) this.#minutes.delete(handle)
    }
  }
}
