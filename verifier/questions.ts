import type { ClockReading, Lag, RawToken, TokenDigest } from '@rescind/core'
import { askIfPossible } from './source/ask.ts'
import type { AskAnswer, Transport } from './source/transport.ts'

/** Questions about single tokens that are out at a time; more get `unknown`. */
export const ASKING_MAX = 256
/** What a server is given to answer, where the bound is not shorter. */
const ANSWER_MAX_MS = 5_000

/** One question about one token. Its answer was true at some time after it was sent, and nothing says when. */
export type Question = {
  readonly sent: ClockReading
  /** How the verifier stood when it was sent. */
  readonly lagThen: Lag
  /** Undefined when the server could not be asked. Never rejects for that. */
  readonly answer: Promise<AskAnswer | undefined>
}

/** What the server is being asked about single tokens. */
export class Questions {
  readonly #transport: Transport
  readonly #boundMs: number
  readonly #byDigest: Map<TokenDigest, Question> = new Map()
  #out = 0
  asked = 0

  constructor(transport: Transport, boundMs: number) {
    this.#transport = transport
    this.#boundMs = boundMs
  }

  /** How many more may be sent now. */
  get room(): number {
    return ASKING_MAX - this.#out
  }

  /**
   * The question about this token that is out, or a new one. Without a digest, before anything is known here, there is
   * nothing to share it by. @returns undefined when too many are out.
   */
  about(
    raw: RawToken,
    digest: TokenDigest | undefined,
    now: { readonly sent: ClockReading; readonly lagThen: Lag },
  ): Question | undefined {
    const known = digest === undefined ? undefined : this.#byDigest.get(digest)
    // One that is past the bound can only be answered too late.
    if (known !== undefined && !isPast(known.sent, now.sent, this.#boundMs)) return known
    if (this.room <= 0) return undefined
    this.#out += 1
    this.asked += 1
    const question: Question = {
      ...now,
      answer: askIfPossible(this.#transport, raw.reveal(), Math.min(ANSWER_MAX_MS, this.#boundMs)).finally(
        () => {
          this.#out -= 1
          if (digest !== undefined && this.#byDigest.get(digest) === question) this.#byDigest.delete(digest)
        },
      ),
    }
    if (digest !== undefined) this.#byDigest.set(digest, question)
    return question
  }

  /** Whether an answer that comes now says nothing any more: by either clock, as with every other proof. */
  isLate({ sent }: Question, now: ClockReading): boolean {
    return isPast(sent, now, this.#boundMs)
  }
}

function isPast(since: ClockReading, now: ClockReading, boundMs: number): boolean {
  return now.monotonicMs - since.monotonicMs > boundMs || now.wallMs - since.wallMs > boundMs
}
