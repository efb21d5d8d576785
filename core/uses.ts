import type { Handle } from './ids.ts'
import type { TokenRecord } from './records.ts'

/** Tokens whose last use is held until it is written down; past it, the uses of others are not noted for a while. */
export const USES_MAX = 200_000
const MINUTE_MS = 60_000

export type Use = {
  readonly handle: Handle
  readonly minuteMs: number
  /** When the token ends, where whoever noted its use knew, and that cannot be moved. */
  readonly expiresAtMs: number | undefined
}

type Accepted = Pick<TokenRecord, 'handle' | 'expiresAtMs'> & { readonly kind: string }

/** When tokens were last used, to the minute, until that is written beside the log: noting costs no more than a map. */
export class Uses {
  readonly #uses: Map<Handle, Use> = new Map()

  /** A token was accepted here. The end of assigned text can be moved, and is looked up when its use is written. */
  accepted({ kind, handle, expiresAtMs }: Accepted, nowMs: number): void {
    this.note(handle, nowMs, kind === 'assigned' ? undefined : expiresAtMs)
  }

  note(handle: Handle, nowMs: number, expiresAtMs?: number): void {
    const minuteMs = nowMs - (nowMs % MINUTE_MS)
    const known = this.#uses.get(handle)
    if (known?.minuteMs === minuteMs || (known === undefined && this.#uses.size >= USES_MAX)) return
    this.#uses.set(handle, { handle, minuteMs, expiresAtMs })
  }

  /** The minute of the last use that is not written down yet. */
  get(handle: Handle): number | undefined {
    return this.#uses.get(handle)?.minuteMs
  }

  /** Some of those that are to be written down; each stays until `written` has been told. */
  some(count: number): readonly Use[] {
    const some: Use[] = []
    for (const use of this.#uses.values()) {
      if (some.length === count) break
      some.push(use)
    }
    return some
  }

  written(uses: readonly Use[]): void {
    for (const use of uses) {
      // One that was used again meanwhile has more to say.
      if (this.#uses.get(use.handle) === use) this.#uses.delete(use.handle)
    }
  }
}
