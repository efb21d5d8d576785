/** What can be ended by one rule: a token, a grant, or some principals until their next cutoff. */
export class Scope {
  readonly name: string
  /** When the first request was sent that may have ended it. */
  askedMs: number | undefined
  /** When the first answer came that says it is over. */
  acknowledgedMs: number | undefined
  /** Ended by a rule that nobody acknowledges, such as the reuse of a refresh token. It must be over in the end. */
  isOverAtLast = false
  readonly holds: Hold[] = []
  readonly told: Told[] = []

  constructor(name: string) {
    this.name = name
  }

  tell(atMs: number, text: string): void {
    this.told.push({ atMs, text: `${this.name}: ${text}` })
  }

  asked(atMs: number): void {
    this.askedMs ??= atMs
  }

  acknowledged(atMs: number): void {
    this.acknowledgedMs ??= atMs
  }

  mayBeOver(atMs: number): boolean {
    return isUpTo(this.askedMs, atMs) || this.holds.some(({ askedMs }) => askedMs <= atMs)
  }

  /** Whether a request that was sent and answered then must be refused. */
  mustRefuse(sentMs: number, answeredMs: number): boolean {
    return (
      isBefore(this.acknowledgedMs, sentMs) ||
      this.holds.some(({ heldMs, mayEndMs }) => isBefore(heldMs, sentMs) && answeredMs < mayEndMs)
    )
  }
}

export type Hold = {
  readonly askedMs: number
  /** When the answer came that it is in force. */
  heldMs: number | undefined
  /** From then on it may be over: its deadline, or the first request to release it. */
  mayEndMs: number
  /** An answer has said that it is released. */
  isReleased: boolean
}

export type Told = { readonly atMs: number; readonly text: string }

export type Dialect = 'oauth' | 'identity' | 'chat'

/** A token that a client was given, and everything that was seen of it. */
export type Token = {
  readonly name: string
  readonly dialect: Dialect
  readonly kind: 'access' | 'refresh'
  readonly text: string
  /** The chat client or Identity user that it belongs to. */
  readonly holder: string
  readonly scopes: readonly Scope[]
  readonly told: Told[]
}

export type Look = {
  readonly where: string
  readonly sentMs: number
  readonly answeredMs: number
  /** `nothing`: an outage, or a connection that broke. */
  readonly said: 'live' | 'over' | 'nothing'
}

export const isDoubtful = (token: Token, atMs: number): boolean =>
  token.scopes.some((scope) => scope.mayBeOver(atMs))

/** What every node must say of a token once all faults are over; undefined: nobody knows. */
export function atLast({ scopes }: Token): 'live' | 'over' | undefined {
  if (scopes.some(({ acknowledgedMs, isOverAtLast }) => acknowledgedMs !== undefined || isOverAtLast))
    return 'over'
  const isSure = scopes.every(
    ({ askedMs, holds }) => askedMs === undefined && holds.every(({ isReleased }) => isReleased),
  )
  return isSure ? 'live' : undefined
}

const LINES_SHOWN = 60

/** Collects what clients saw, and says what must not have been. */
export class History {
  readonly tokens: Token[] = []
  readonly violations: string[] = []
  readonly counts: Map<string, number> = new Map()

  count(what: string): void {
    this.counts.set(what, (this.counts.get(what) ?? 0) + 1)
  }

  issued(token: Omit<Token, 'told' | 'name'>, atMs: number): Token {
    const name = `${token.dialect} ${token.kind} token ${this.tokens.length}`
    const made = { ...token, name, told: [{ atMs, text: `${name}: issued` }] }
    this.tokens.push(made)
    return made
  }

  saw(token: Token, look: Look): void {
    const { where, sentMs, answeredMs, said } = look
    this.count(`look ${said}`)
    token.told.push({ atMs: answeredMs, text: `${where}: ${said}, asked at ${Math.round(sentMs)}` })
    if (said === 'live' && token.scopes.some((scope) => scope.mustRefuse(sentMs, answeredMs)))
      this.violation('accepted after the acknowledgement', token, where)
    if (said === 'over' && !isDoubtful(token, answeredMs))
      this.violation('over, though nobody asked for it', token, where)
  }

  violation(what: string, token: Token, where: string): void {
    this.violations.push(`${what}: ${token.name}, ${where}\n${this.storyOf(token)}`)
  }

  /** All that happened to a token and to what it belongs to, in order. */
  storyOf({ told, scopes }: Token): string {
    const all = [...told, ...scopes.flatMap((scope) => scope.told)].sort((a, b) => a.atMs - b.atMs)
    const lines = all.map(({ atMs, text }) => `  ${Math.round(atMs)} ${text}`)
    return lines.length <= LINES_SHOWN
      ? lines.join('\n')
      : [...lines.slice(0, 10), '  …', ...lines.slice(10 - LINES_SHOWN)].join('\n')
  }
}

function isUpTo(atMs: number | undefined, limitMs: number): boolean {
  return atMs !== undefined && atMs <= limitMs
}

function isBefore(atMs: number | undefined, limitMs: number): boolean {
  return atMs !== undefined && atMs < limitMs
}
