import { EXIT, type ExitCode } from './exit-codes.ts'

/** What an error says under --json, on standard error: `{"error": …}`. `status` and `detail` come from a server's problem. */
export type FailureJson = {
  readonly message: string
  readonly next?: string
  readonly status?: number
  readonly detail?: unknown
}

type Told = {
  readonly next?: string
  readonly exit?: ExitCode
  readonly status?: number
  readonly detail?: unknown
}

/** Ends a command with one line, "what happened: what to do next", and an exit code. */
export class CommandFailed extends Error {
  readonly exit: ExitCode
  readonly #told: Told

  /** @param message what happened. `next`: what to do about it. */
  constructor(message: string, told: Told = {}) {
    super(message)
    this.exit = told.exit ?? EXIT.failed
    this.#told = told
  }

  get line(): string {
    const { next } = this.#told
    return next === undefined ? this.message : `${this.message}: ${next}`
  }

  get json(): FailureJson {
    const { next, status, detail } = this.#told
    return {
      message: this.message,
      ...(next === undefined ? {} : { next }),
      ...(status === undefined ? {} : { status }),
      ...(detail === undefined ? {} : { detail }),
    }
  }
}

/** A command line that cannot be meant: exit code 2. */
export class WrongUse extends CommandFailed {
  constructor(message: string, next?: string) {
    super(message, { exit: EXIT.misused, ...(next === undefined ? {} : { next }) })
  }
}

/** Ctrl-C, in a prompt or anywhere else. */
export class Interrupted extends CommandFailed {
  constructor() {
    super('interrupted', { exit: EXIT.interrupted })
  }
}
