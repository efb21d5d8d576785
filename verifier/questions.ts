import type { ClockReading, Lag, TokenDigest } from '@rescind/core'
import type { RawToken } from '@rescind/core/tokens'
import { askIfPossible } from './source/ask.ts'
import type { Timers } from './source/follower.ts'
import type { AskAnswer, Transport } from './source/transport.ts'

/** Questions about single tokens that wait or are out at a time; more get `unknown`. */
export const ASKING_MAX = 256
/** Of these, out: each has a connection, beside the one that streams and the one that proves. */
export const SENT_MAX = 8
/** The same, while a proof of freshness waits for its answer. */
const SENT_BEHIND_PROOF_MAX = 2
/** What a question may wait for its turn, and then for its answer, where the bound is not shorter. */
const ANSWER_MAX_MS = 5_000

/** One question about one token. Its answer was true at some time after it was sent, and nothing says when. */
export type Question = {
  /** Undefined while it waits for its turn. */
  readonly sent: { readonly at: ClockReading; readonly lag: Lag } | undefined
  /** Undefined when the server could not be asked. Never rejects for that. */
  readonly answer: Promise<AskAnswer | undefined>
}

export type QuestionsParts = {
  readonly transport: Transport
  readonly timers: Timers
  readonly boundMs: number
  /** The clocks, and how fresh the verifier is by them. */
  readonly now: () => { readonly at: ClockReading; readonly lag: Lag }
  /** A proof of freshness waits for its answer: it goes before all that could wait. */
  readonly isProofLate: () => boolean
}

type Asking = { -readonly [Name in keyof Question]: Question[Name] } & {
  readonly raw: RawToken
  readonly digest: TokenDigest | undefined
  readonly settle: (answer: AskAnswer | undefined | Promise<AskAnswer | undefined>) => void
  readonly cancelWait: () => void
}

/** What the server is being asked about single tokens. */
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

  /** How many more may be asked now. */
  get room(): number {
    return ASKING_MAX - this.#out - this.#waiting.size
  }

  /**
   * The question about this token that is waiting or out, or a new one. Without a digest, before anything is known here,
   * there is nothing to share it by. @returns undefined when there are too many.
   */
  about(raw: RawToken, digest: TokenDigest | undefined): Question | undefined {
    const known = digest === undefined ? undefined : this.#byDigest.get(digest)
    // One that is past the bound can only be answered too late.
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

  /** Whether an answer that comes now says nothing any more: by either clock, as with every other proof. */
  isLate({ sent }: Question): boolean {
    if (sent === undefined) return false
    const { boundMs, now } = this.#parts
    const { monotonicMs, wallMs } = now().at
    return monotonicMs - sent.at.monotonicMs > boundMs || wallMs - sent.at.wallMs > boundMs
  }

  /** Sends what waits for its turn. */
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
    // Before anything is sent: the answer proves nothing about what comes later than this.
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
