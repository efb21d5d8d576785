import type { Handle, TokenFacts, TokenRecord } from '@rescind/core'

/** Tokens whose last use is held until it is written down; past it, the uses of others are not noted for a while. */
export const USES_MAX = 200_000
/** Tokens of registered issuers whose use is remembered; past it, those that were used least lately are forgotten. */
export const FOREIGN_USES_MAX = 10_000
const MINUTE_MS = 60_000
/** What counts as lately. */
const RECENT_MS = 900_000

export type Use = {
  readonly handle: Handle
  readonly minuteMs: number
  /** When the token ends, where whoever noted its use knew, and that cannot be moved. */
  readonly expiresAtMs: number | undefined
}

export type Accepted = Pick<TokenRecord, 'handle' | 'expiresAtMs'> & { readonly kind: string }

type ForeignUse = { readonly facts: TokenFacts; readonly minuteMs: number }

/** When tokens were last used, to the minute, until that is written beside the log: noting costs no more than a map. */
export class Uses {
  readonly #uses: Map<Handle, Use> = new Map()
  /** Of tokens that nothing is stored about: by issuer and jti, those used least lately first. */
  readonly #foreign: Map<string, ForeignUse> = new Map()

  /** A token was accepted here. The end of assigned text can be moved, and is looked up when its use is written. */
  accepted({ kind, handle, expiresAtMs }: Accepted, nowMs: number): void {
    this.note(handle, nowMs, kind === 'assigned' ? undefined : expiresAtMs)
  }

  /** The same of a registered issuer's token: in memory alone, for as long as it is of interest. */
  acceptedForeign(facts: TokenFacts, nowMs: number): void {
    const id = `${facts.source}\0${facts.foreign?.jti}`
    const minuteMs = nowMs - (nowMs % MINUTE_MS)
    if (this.#foreign.get(id)?.minuteMs === minuteMs) return
    this.#foreign.delete(id)
    this.#foreign.set(id, { facts: slim(facts), minuteMs })
    if (this.#foreign.size <= FOREIGN_USES_MAX) return
    for (const oldest of this.#foreign.keys()) {
      this.#foreign.delete(oldest)
      break
    }
  }

  /** Tokens of registered issuers that were used lately, as far as that is remembered. */
  *recentForeign(nowMs: number): Generator<TokenFacts, void> {
    for (const { facts, minuteMs } of this.#foreign.values()) if (minuteMs > nowMs - RECENT_MS) yield facts
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

/** What a rule can name of it, without all else that came along. */
function slim(facts: TokenFacts): TokenFacts {
  const { source, subject, client, tenant, session, keyId, position, issuedAtMs, expiresAtMs, foreign } =
    facts
  return {
    ...{ source, ancestors: [], position, expiresAtMs },
    ...(subject === undefined ? {} : { subject }),
    ...(client === undefined ? {} : { client }),
    ...(tenant === undefined ? {} : { tenant }),
    ...(session === undefined ? {} : { session }),
    ...(keyId === undefined ? {} : { keyId }),
    ...(issuedAtMs === undefined ? {} : { issuedAtMs }),
    ...(foreign === undefined ? {} : { foreign }),
  }
}
