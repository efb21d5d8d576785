import { WrongKeys } from '@rescind/dialects'
import { type Problem, problem } from '../../http/problem.ts'

/** Guessing at control keys and the keys of verifiers. */
export class KeyGuesses {
  readonly #wrong: WrongKeys = new WrongKeys()
  readonly #nowMs: () => number

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs
  }

  /** The problem for a locked address, whether its key is good or not. */
  refuse(from: string): Problem | undefined {
    const waitSeconds = this.#wrong.waitSeconds(from, this.#nowMs())
    if (waitSeconds === 0) return undefined
    return problem(429, 'too many wrong keys came from this address; wait as long as Retry-After says', {
      'retry-after': String(waitSeconds),
    })
  }

  /** @param digest of what was presented. */
  wrong(from: string, digest: string): void {
    this.#wrong.wrong(digest, from, { nowMs: this.#nowMs() })
  }
}
