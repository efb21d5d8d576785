/** What a client may count on, kept outside the server that is killed. */
export type Speaks = 'oauth' | 'identity' | 'chat'

/**
 * `asked`: a revocation was sent and its answer never came, so the token may be either; the first look
 * decides, for a dead one stays dead.
 */
export type Standing = 'live' | 'asked' | 'revoked'

export type Tracked = {
  readonly dialect: Speaks
  readonly text: string
  /** The chat client that holds it, or the OAuth grant it belongs to. */
  readonly holder: string
  readonly kind: 'access' | 'refresh'
  readonly cycle: number
  standing: Standing
}

/** What ended longer ago than this many cycles is checked by sample. */
const RECENT_CYCLES = 1

/** Every acknowledged issue, and what became of it as far as its client was told. */
export class Acks {
  readonly #tokens: Tracked[] = []
  cycle = 0
  issues = 0
  /** Those that write a row to the log; a refresh token that was used up writes none. */
  revokes = 0
  rotations = 0
  /** Requests whose answer a crash cut off. */
  cutOff = 0

  issued(token: Omit<Tracked, 'cycle' | 'standing'>): Tracked {
    const tracked: Tracked = { ...token, cycle: this.cycle, standing: 'live' }
    this.#tokens.push(tracked)
    this.issues += 1
    return tracked
  }

  revoked(tokens: readonly Tracked[]): void {
    for (const token of tokens) token.standing = 'revoked'
    this.revokes += 1
  }

  rotated(token: Tracked): void {
    token.standing = 'revoked'
    this.rotations += 1
  }

  of(standing: Standing): readonly Tracked[] {
    return this.#tokens.filter((token) => token.standing === standing)
  }

  recent(standing: Standing): readonly Tracked[] {
    return this.of(standing).filter(({ cycle }) => cycle > this.cycle - RECENT_CYCLES)
  }
}
