/** Times are values of one counter: an answer with a lower value came before a request with a higher one. */
export type IssueSeen = { readonly token: string; readonly sentAt: number; readonly answeredAt: number }
export type CutoffSeen = {
  readonly listed: ReadonlySet<string>
  readonly sentAt: number
  readonly answeredAt: number
}

/** The sign-ins that one client of a chat app saw, and the calls that ended all its tokens. */
export class RaceHistory {
  readonly issues: IssueSeen[] = []
  readonly cutoffs: CutoffSeen[] = []
  #now = 0

  async issue(mint: () => Promise<string>): Promise<void> {
    const sentAt = this.#next()
    const token = await mint()
    this.issues.push({ token, sentAt, answeredAt: this.#next() })
  }

  async cutoff(end: () => Promise<readonly string[]>): Promise<void> {
    const sentAt = this.#next()
    const listed = await end()
    this.cutoffs.push({ listed: new Set(listed), sentAt, answeredAt: this.#next() })
  }

  /**
   * Each token was either ended by exactly one cutoff, which reported it, or was provably minted after all cutoffs that
   * could have ended it. @returns contradictions to this.
   */
  violations(isLive: (token: string) => boolean): readonly string[] {
    return this.issues.flatMap((issue) => {
      const tellers = this.cutoffs.filter(({ listed }) => listed.has(issue.token))
      const wrong: string[] = []
      if (tellers.length > 1) wrong.push('two revocations told that they ended one token')
      if (isLive(issue.token) && tellers.length > 0)
        wrong.push('a token lives that a revocation told it ended')
      if (!isLive(issue.token) && tellers.length === 0) wrong.push('a token is dead and nobody told')
      if (isLive(issue.token) && this.cutoffs.some((cutoff) => issue.answeredAt < cutoff.sentAt))
        wrong.push('a token outlived a revocation that came after it')
      return wrong.concat(tellers.flatMap((teller) => this.#order(issue, teller)))
    })
  }

  /** Tokens that were minted during a revocation: neither wholly before it nor wholly after. */
  raced(): number {
    return this.issues.filter((issue) =>
      this.cutoffs.some((cutoff) => issue.answeredAt > cutoff.sentAt && issue.sentAt < cutoff.answeredAt),
    ).length
  }

  #order(issue: IssueSeen, teller: CutoffSeen): readonly string[] {
    if (teller.answeredAt < issue.sentAt) return ['a revocation ended a token that was asked for after it']
    const isLate = this.cutoffs.some(
      (cutoff) => issue.answeredAt < cutoff.sentAt && cutoff.answeredAt < teller.sentAt,
    )
    return isLate ? ['a revocation left a token to a later one'] : []
  }

  #next(): number {
    this.#now += 1
    return this.#now
  }
}
