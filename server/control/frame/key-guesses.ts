import { WrongKeys } from '@rescind/dialects'
import { type Problem, problem } from '../../http/problem.ts'

/** Limits guessing at control keys and verifiers' keys. */
export class KeyGuesses {
  readonly #wrong: WrongKeys = new WrongKeys()
  readonly #nowMs: () => number

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs
  }

  /** The problem for a locked address, even if its key is good. */
  refuse(from: string): Problem | undefined {
    const waitSeconds = this.#wrong.waitSeconds(from, this.#nowMs())
    if (waitSeconds === 0) return undefined
    return problem(429, 'too many wrong keys came from this address; wait as long as Retry-After says', {
      'retry-after': String(waitSeconds),
    })
  }

  /** @param digest of the presented key. */
  wrong(from: string, digest: string): void {
    this.#wrong.wrong(digest, from, { nowMs: this.#nowMs() })
  }
}
