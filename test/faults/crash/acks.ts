/** What clients were promised, recorded outside the server that is killed. */
export type Speaks = 'oauth' | 'identity' | 'chat'

/**
 * `asked`: a revocation was sent and its answer never came, so the token may be live or dead. The first look decides,
 * because a dead token stays dead.
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

/** Tokens that ended more cycles ago than this are only sampled. */
const RECENT_CYCLES = 1

/** Every acknowledged issue, and its state as far as its client knows. */
export class Acks {
  readonly #tokens: Tracked[] = []
  cycle = 0
  issues = 0
  /** Revocations that write a row to the log; using up a refresh token writes none. */
  revokes = 0
  rotations = 0
  /** Requests whose answers a crash cut off. */
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
