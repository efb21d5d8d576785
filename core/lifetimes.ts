const SECOND_MS = 1_000
const DAY_MS = 86_400 * SECOND_MS

/** Longest life of a realm's tokens, unless its settings say less. Stored per realm; only rises. */
export const LIFETIME_MAX_MS: number = 400 * DAY_MS
/** Longest life of a chat token with assigned text. */
export const ASSIGNED_LIFETIME_MAX_MS: number = 3_650 * DAY_MS
/** How long a rule outlives the last token that it can hit, because clocks of nodes and verifiers differ. */
export const KEEP_MARGIN_MS: number = 10 * 60 * SECOND_MS
/** A rule that never leaves the index. */
export const KEEP_FOREVER_MS: number = Number.MAX_SAFE_INTEGER
/** The last instant that an ISO date with a four-digit year can name: 9999-12-31T23:59:59.999Z. */
export const LAST_INSTANT_MS = 253_402_300_799_999

/** The highest expiry that a store keeps for a source, in whole days: written once a day instead of once a token. */
export function expiryCeiling(expiresAtMs: number): number {
  return Math.ceil(expiresAtMs / DAY_MS) * DAY_MS
}

/** Until when a stored rule is kept. An invalid time means for good: the rule must never be dropped because of it. */
export function storedKeepMs(ms: number): number {
  return ms > 0 ? ms : KEEP_FOREVER_MS
}

/** Until when a rule about something that ends then is kept. Past the last date that can be written, it is for good. */
export function keptPast(expiresAtMs: number): number {
  const keepUntilMs = expiresAtMs + KEEP_MARGIN_MS
  return keepUntilMs > LAST_INSTANT_MS ? KEEP_FOREVER_MS : keepUntilMs
}
