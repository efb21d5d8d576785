export type FleetAsk = { readonly ask: 'ready' | 'verify' | 'check'; readonly tokens: readonly string[] }
/** The verdicts of each verifier; how often one said yes after no, and out of how many verdicts. */
export type FleetTold = {
  readonly said: readonly (readonly string[])[]
  readonly violations: number
  readonly looks: number
}
