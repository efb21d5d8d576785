import { ASSIGNED_LIFETIME_MAX_MS, LIFETIME_MAX_MS } from '@rescind/core'
import type { Collection } from '../directory/directory.ts'

/** An operator's settings for one realm. */
export type RealmSettings = {
  /** No token of the realm may live longer. */
  readonly maxLifetimeSeconds: number
  /**
   * An operator set the maximum, so it also bounds assigned chat text, which may otherwise live ten years. Records of earlier
   * versions lack this mark: there, a maximum other than the default was set.
   */
  readonly boundsAssigned?: true
  /** The highest maximum ever: rules are kept as long as tokens minted under an older setting can live. */
  readonly highestLifetimeSeconds: number
  /** Rules over more live tokens than this need a second person; absent: no rule does. */
  readonly approvalAboveTokens?: number
}

/** One record, under REALM_SETTINGS_ID; a realm without it has the defaults. */
export const REALM_SETTINGS: Collection<RealmSettings> = {
  name: 'realmSettings',
  keys: () => [],
  // An unreadable maximum is not replaced by the default, which may allow more.
  isValue: ({ maxLifetimeSeconds, highestLifetimeSeconds, approvalAboveTokens }) =>
    isSeconds(maxLifetimeSeconds) &&
    isSeconds(highestLifetimeSeconds) &&
    (approvalAboveTokens === undefined || typeof approvalAboveTokens === 'number'),
}

function isSeconds(value: unknown): boolean {
  return typeof value === 'number' && value > 0 && value <= ASSIGNED_LIFETIME_MAX_MS / 1_000
}

export const REALM_SETTINGS_ID = 'realm'

export const DEFAULT_REALM_SETTINGS: RealmSettings = {
  maxLifetimeSeconds: LIFETIME_MAX_MS / 1_000,
  highestLifetimeSeconds: LIFETIME_MAX_MS / 1_000,
}

/** Longest life of assigned chat text under these settings. */
export function assignedMaxSeconds({ maxLifetimeSeconds, boundsAssigned }: RealmSettings): number {
  const isSet = boundsAssigned === true || maxLifetimeSeconds !== DEFAULT_REALM_SETTINGS.maxLifetimeSeconds
  return isSet ? maxLifetimeSeconds : ASSIGNED_LIFETIME_MAX_MS / 1_000
}

/** The limits on the lives of a realm's tokens, in memory, because minting and every rule need them. */
export class Lifetimes {
  #maxMs = LIFETIME_MAX_MS
  #assignedMs = ASSIGNED_LIFETIME_MAX_MS
  #highestMs = LIFETIME_MAX_MS

  /** Longest life of tokens minted now. */
  get maxMs(): number {
    return this.#maxMs
  }

  /** Longest life of chat text assigned now. */
  get assignedMs(): number {
    return this.#assignedMs
  }

  /** When a token minted now ends that asks for `endsAtMs`: a limit shortens its life and refuses no login. */
  within(endsAtMs: number, nowMs: number): number {
    return Math.min(endsAtMs, nowMs + this.#maxMs)
  }

  /** Longest life of all tokens that may be alive; only rises. */
  get highestMs(): number {
    return this.#highestMs
  }

  /** Call before a longer life is allowed, so that no rule written meanwhile is kept too short. */
  raise(ms: number): void {
    if (ms > this.#highestMs) this.#highestMs = ms
  }

  settle(settings: RealmSettings): void {
    this.raise(settings.highestLifetimeSeconds * 1_000)
    this.#maxMs = settings.maxLifetimeSeconds * 1_000
    this.#assignedMs = assignedMaxSeconds(settings) * 1_000
  }
}
