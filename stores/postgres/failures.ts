import { isOutage } from '@rescind/core'
import { DatabaseError } from 'pg'

/** The codes of a row of this process that is gone or from before, and of a store that was moved: the process must end. */
export const ENDING: ReadonlySet<string | undefined> = new Set(['RS002', 'RS005'])

/** @throws what is neither an outage nor an answer of the server, and so a bug. */
export function mustBeFailure(error: unknown): asserts error is Error {
  if (!(error instanceof DatabaseError) && !isOutage(error)) throw error
}

/** Reasons that are remembered, so that none is told twice. */
const REASONS_MAX = 100

/** Why something fails that is asked again and again: each reason is told once, until it succeeds. */
export class Failures {
  readonly #what: string
  readonly #told: (why: string) => void
  readonly #reasons: Set<string> = new Set()
  #last: string | undefined

  constructor(what: string, told: (why: string) => void) {
    this.#what = what
    this.#told = told
  }

  /** The reason of the last failure; undefined: it has succeeded since. */
  get last(): string | undefined {
    return this.#last
  }

  /** @throws as `mustBeFailure`. */
  failed(error: unknown): void {
    mustBeFailure(error)
    this.#last = error.message
    if (this.#reasons.has(error.message) || this.#reasons.size >= REASONS_MAX) return
    this.#reasons.add(error.message)
    this.#told(`${this.#what}: ${error.message}`)
  }

  succeeded(): void {
    this.#last = undefined
    this.#reasons.clear()
  }
}
