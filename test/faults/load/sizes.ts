/** How large a store is, and how long each load lasts. */
export type Sizes = {
  readonly tokens: number
  /** How many of these tokens are revoked, with one row each. */
  readonly revocations: number
  readonly clients: number
  /** Chat tokens of one app, whose text is stored. */
  readonly chatTokens: number
  readonly realms: number
  /** Open event streams of one chat app. */
  readonly streams: number
  readonly seconds: number
}

/** The sizes that the server is made for. */
export const WHOLE: Sizes = {
  tokens: 5_000_000,
  revocations: 1_000_000,
  clients: 100_000,
  chatTokens: 10_000,
  realms: 1_000,
  streams: 64,
  seconds: 10,
}

/** The same within a few seconds. */
export const SHORT: Sizes = {
  tokens: 20_000,
  revocations: 3_000,
  clients: 400,
  chatTokens: 60,
  realms: 4,
  streams: 4,
  seconds: 0.4,
}
