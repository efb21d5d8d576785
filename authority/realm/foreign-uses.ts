import type { TokenFacts } from '@rescind/core'

/** Maximum foreign tokens with a remembered use; beyond it, the least recently used are forgotten. */
export const FOREIGN_USES_MAX = 10_000
const MINUTE_MS = 60_000
/** How long a use counts as recent. */
const RECENT_MS = 900_000

type ForeignUse = { readonly facts: TokenFacts; readonly minuteMs: number }

/** Tokens of registered issuers that were used lately, by issuer and jti, least recently used first; only in memory. */
export class ForeignUses {
  readonly #uses: Map<string, ForeignUse> = new Map()

  accepted(facts: TokenFacts, nowMs: number): void {
    const id = `${facts.source}\0${facts.foreign?.jti}`
    const minuteMs = nowMs - (nowMs % MINUTE_MS)
    if (this.#uses.get(id)?.minuteMs === minuteMs) return
    this.#uses.delete(id)
    this.#uses.set(id, { facts: slim(facts), minuteMs })
    if (this.#uses.size <= FOREIGN_USES_MAX) return
    for (const oldest of this.#uses.keys()) {
      this.#uses.delete(oldest)
      break
    }
  }

  /** Recently used tokens, as far as they are remembered. */
  *recent(nowMs: number): Generator<TokenFacts, void> {
    for (const { facts, minuteMs } of this.#uses.values()) if (minuteMs > nowMs - RECENT_MS) yield facts
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
