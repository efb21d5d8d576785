const SECOND_MS = 1_000
const DAY_MS = 86_400 * SECOND_MS

/** Longest life of a token of a realm, unless its settings say less. Stored per realm; only rises. */
export const LIFETIME_MAX_MS: number = 400 * DAY_MS
/** Longest life of a chat token text that a customer assigned. */
export const ASSIGNED_LIFETIME_MAX_MS: number = 3_650 * DAY_MS
/** What a rule is kept beyond the last token that it can hit: clock skew between nodes and verifiers. */
export const KEEP_MARGIN_MS: number = 10 * 60 * SECOND_MS
/** A rule that never leaves the index. */
export const KEEP_FOREVER_MS: number = Number.MAX_SAFE_INTEGER
/** The last instant that an ISO date with a four-digit year can name: 9999-12-31T23:59:59.999Z. */
export const LAST_INSTANT_MS = 253_402_300_799_999

/**
 * Until when a stored rule is kept. What is no time would be kept until none, and the rule be dropped: it is kept for good.
 */
export function storedKeepMs(ms: number): number {
  return ms > 0 ? ms : KEEP_FOREVER_MS
}

/** Until when a rule is kept over something that ends then. What nobody could write as a date any more is for good. */
export function keptPast(expiresAtMs: number): number {
  const keepUntilMs = expiresAtMs + KEEP_MARGIN_MS
  return keepUntilMs > LAST_INSTANT_MS ? KEEP_FOREVER_MS : keepUntilMs
}
