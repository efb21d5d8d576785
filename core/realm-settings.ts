import type { Collection } from './directory.ts'
import { LIFETIME_MAX_MS } from './lifetimes.ts'

/** What an operator decides per realm. */
export type RealmSettings = {
  /** No token of the realm may live longer; assigned chat text has a limit of its own. */
  readonly maxLifetimeSeconds: number
  /** The most that ever was: a rule is kept for as long as what was minted under an older setting can live. */
  readonly highestLifetimeSeconds: number
  /** Rules over more live tokens than this need a second person; absent: none does. */
  readonly approvalAboveTokens?: number
}

/** One record, under REALM_SETTINGS_ID; a realm without it has the defaults. */
export const REALM_SETTINGS: Collection<RealmSettings> = { name: 'realmSettings', keys: () => [] }
export const REALM_SETTINGS_ID = 'realm'

export const DEFAULT_REALM_SETTINGS: RealmSettings = {
  maxLifetimeSeconds: LIFETIME_MAX_MS / 1_000,
  highestLifetimeSeconds: LIFETIME_MAX_MS / 1_000,
}

/** What limits the lives of a realm's tokens, in memory: minting and every rule ask for it. */
export class Lifetimes {
  #maxMs = LIFETIME_MAX_MS
  #highestMs = LIFETIME_MAX_MS

  /** Longest life of what is minted now. */
  get maxMs(): number {
    return this.#maxMs
  }

  /** Longest life that anything alive can have; only rises. */
  get highestMs(): number {
    return this.#highestMs
  }

  /** Before a longer life is allowed, so that no rule written meanwhile is kept too short. */
  raise(ms: number): void {
    if (ms > this.#highestMs) this.#highestMs = ms
  }

  settle({ maxLifetimeSeconds, highestLifetimeSeconds }: RealmSettings): void {
    this.raise(highestLifetimeSeconds * 1_000)
    this.#maxMs = maxLifetimeSeconds * 1_000
  }
}
