/** What a client may count on, kept outside the server that is killed. */
export type Speaks = 'oauth' | 'identity' | 'chat'

/**
 * `asked`: a revocation was sent and its answer never came, so the token may be either; the first look
 * decides, for a dead one stays dead.
 */
export type TokenState = 'live' | 'asked' | 'revoked'

export type Tracked = {
  readonly dialect: Speaks
  readonly text: string
  /** The chat client that holds it, or the OAuth grant it belongs to. */
  readonly holder: string
  readonly kind: 'access' | 'refresh'
  readonly cycle: number
  state: TokenState
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

  issued(token: Omit<Tracked, 'cycle' | 'state'>): Tracked {
    const tracked: Tracked = { ...token, cycle: this.cycle, state: 'live' }
    this.#tokens.push(tracked)
    this.issues += 1
    return tracked
  }

  revoked(tokens: readonly Tracked[]): void {
    for (const token of tokens) token.state = 'revoked'
    this.revokes += 1
  }

  rotated(token: Tracked): void {
    token.state = 'revoked'
    this.rotations += 1
  }

  of(state: TokenState): readonly Tracked[] {
    return this.#tokens.filter((token) => token.state === state)
  }

  recent(state: TokenState): readonly Tracked[] {
    return this.of(state).filter(({ cycle }) => cycle > this.cycle - RECENT_CYCLES)
  }
}
