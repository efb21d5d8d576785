/** What the manual says about a path. */
export type RouteWords = {
  readonly caller: string
  /** The statuses beside those that every call can get. */
  readonly statuses: readonly number[]
}
