import type { Handle, TokenFacts, TokenRecord } from '@rescind/core'

/** Maximum uses that wait to be written; beyond it, uses of further tokens are not noted for a while. */
export const USES_MAX = 200_000
/** Maximum foreign tokens with a remembered use; beyond it, the least recently used are forgotten. */
export const FOREIGN_USES_MAX = 10_000
const MINUTE_MS = 60_000
/** How long a use counts as recent. */
const RECENT_MS = 900_000

export type Use = {
  readonly handle: Handle
  readonly minuteMs: number
  /** When the token ends, if that was known when its use was noted and cannot change. */
  readonly expiresAtMs: number | undefined
}

export type Accepted = Pick<TokenRecord, 'handle' | 'expiresAtMs'> & { readonly kind: string }

type ForeignUse = { readonly facts: TokenFacts; readonly minuteMs: number }

/** When tokens were last used, to the minute, until that is written beside the log. Noting a use costs one map access. */
export class Uses {
  readonly #uses: Map<Handle, Use> = new Map()
  /** Uses of tokens without a record: by issuer and jti, least recently used first. */
  readonly #foreign: Map<string, ForeignUse> = new Map()

  /** A token was accepted. The end of assigned text can move, so it is looked up when the use is written. */
  accepted({ kind, handle, expiresAtMs }: Accepted, nowMs: number): void {
    this.note(handle, nowMs, kind === 'assigned' ? undefined : expiresAtMs)
  }

  /** The same for a registered issuer's token; kept only in memory. */
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

  /** Recently used tokens of registered issuers, as far as they are remembered. */
  *recentForeign(nowMs: number): Generator<TokenFacts, void> {
    for (const { facts, minuteMs } of this.#foreign.values()) if (minuteMs > nowMs - RECENT_MS) yield facts
  }

  note(handle: Handle, nowMs: number, expiresAtMs?: number): void {
    const minuteMs = nowMs - (nowMs % MINUTE_MS)
    const known = this.#uses.get(handle)
    if (known?.minuteMs === minuteMs || (known === undefined && this.#uses.size >= USES_MAX)) return
    this.#uses.set(handle, { handle, minuteMs, expiresAtMs })
  }

  /** The minute of the last use that is not written yet. */
  get(handle: Handle): number | undefined {
    return this.#uses.get(handle)?.minuteMs
  }

  /** Some of the uses to be written; each stays until `written` is called for it. */
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
      // A token used again meanwhile keeps its newer use.
      if (this.#uses.get(use.handle) === use) this.#uses.delete(use.handle)
    }
  }
}

/** Only what a rule can name of a token. */
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
