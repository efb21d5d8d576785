/** What the manual says about a member of a closed list: an error, a reason, a trouble. */
export type Explained = {
  /** What is so, or when it is answered. */
  readonly what: string
  /** What its reader does next. */
  readonly next: string
}
