export type FleetAsk = { readonly ask: 'ready' | 'verify' | 'check'; readonly tokens: readonly string[] }
/** What each verifier says of each token; how often one has said yes after no, and how many verdicts that is out of. */
export type FleetTold = {
  readonly said: readonly (readonly string[])[]
  readonly violations: number
  readonly looks: number
}
