import type { ClockReading, Lag, TokenDigest } from '@rescind/core'
import type { RawToken } from '@rescind/core/tokens'
import { askIfPossible } from './source/ask.ts'
import type { Timers } from './source/follower.ts'
import type { AskAnswer, Transport } from './source/transport.ts'

/** Maximum questions about single tokens, waiting or sent; beyond it the result is `unknown`. */
export const ASKING_MAX = 256
/** Maximum questions sent at a time, each on its own connection, apart from those for the stream and for proofs. */
export const SENT_MAX = 8
/** The same while a proof of freshness waits for its answer. */
const SENT_BEHIND_PROOF_MAX = 2
/** Longest wait of a question for its turn, and again for its answer, unless the bound is shorter. */
const ANSWER_MAX_MS = 5_000

/** A question about one token. Its answer was true at some time after it was sent; when exactly is unknown. */
export type Question = {
  /** Undefined while it waits for its turn. */
  readonly sent: { readonly at: ClockReading; readonly lag: Lag } | undefined
  /** Resolves to undefined when the server could not be asked; it does not reject for that. */
  readonly answer: Promise<AskAnswer | undefined>
}

export type QuestionsParts = {
  readonly transport: Transport
  readonly timers: Timers
  readonly boundMs: number
  /** The clocks, and the verifier's freshness by them. */
  readonly now: () => { readonly at: ClockReading; readonly lag: Lag }
  /** Whether a proof of freshness waits too long for its answer; it has priority over questions. */
  readonly isProofLate: () => boolean
}

type Asking = { -readonly [Name in keyof Question]: Question[Name] } & {
  readonly raw: RawToken
  readonly digest: TokenDigest | undefined
  readonly settle: (answer: AskAnswer | undefined | Promise<AskAnswer | undefined>) => void
  readonly cancelWait: () => void
}

/** The questions to the server about single tokens. */
export class Questions {
  readonly #parts: QuestionsParts
  readonly #timeoutMs: number
  readonly #byDigest: Map<TokenDigest, Asking> = new Map()
  readonly #waiting: Set<Asking> = new Set()
  #out = 0
  asked = 0

  constructor(parts: QuestionsParts) {
    this.#parts = parts
    this.#timeoutMs = Math.min(ANSWER_MAX_MS, parts.boundMs)
  }

  /** How many more questions may be asked now. */
  get room(): number {
    return ASKING_MAX - this.#out - this.#waiting.size
  }

  /**
   * The pending question about this token, or a new one. Without a digest, before anything is known here, questions cannot be
   * shared. @returns undefined when there are too many.
   */
  about(raw: RawToken, digest: TokenDigest | undefined): Question | undefined {
    const known = digest === undefined ? undefined : this.#byDigest.get(digest)
    // A question sent longer ago than the bound could only be answered too late.
    if (known !== undefined && !this.isLate(known)) return known
    if (this.room <= 0) return undefined
    const { promise: answer, resolve: settle } = Promise.withResolvers<AskAnswer | undefined>()
    const cancelWait = this.#parts.timers.after(this.#timeoutMs, () => {
      if (this.#waiting.delete(asking)) this.#ended(asking)
    })
    const asking: Asking = { sent: undefined, answer, raw, digest, settle, cancelWait }
    if (digest !== undefined) this.#byDigest.set(digest, asking)
    this.#waiting.add(asking)
    this.sendOn()
    return asking
  }

  /** Whether an answer that comes now is too old to count; by either clock, as for every other proof. */
  isLate({ sent }: Question): boolean {
    if (sent === undefined) return false
    const { boundMs, now } = this.#parts
    const { monotonicMs, wallMs } = now().at
    return monotonicMs - sent.at.monotonicMs > boundMs || wallMs - sent.at.wallMs > boundMs
  }

  /** Sends waiting questions as far as there is room. */
  sendOn(): void {
    for (const asking of this.#waiting) {
      if (this.#out >= (this.#parts.isProofLate() ? SENT_BEHIND_PROOF_MAX : SENT_MAX)) return
      this.#waiting.delete(asking)
      this.#send(asking)
    }
  }

  #send(asking: Asking): void {
    asking.cancelWait()
    this.#out += 1
    this.asked += 1
    // Read before sending: the answer proves nothing about what happens later.
    asking.sent = this.#parts.now()
    const answer = askIfPossible(this.#parts.transport, asking.raw.reveal(), this.#timeoutMs)
    const over = answer.finally(() => {
      this.#out -= 1
      this.#ended(asking)
      this.sendOn()
    })
    asking.settle(over)
  }

  #ended(asking: Asking): void {
    const { digest, settle } = asking
    if (digest !== undefined && this.#byDigest.get(digest) === asking) this.#byDigest.delete(digest)
    settle(undefined)
  }
}
