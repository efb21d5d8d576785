import { addressShare, RateLimit } from '@rescind/dialects'
import type { Logger } from 'pino'

/** Lines a second that the requests of one address may fill. */
export const LINES_PER_ADDRESS = 10
/** Lines a second for all addresses together, and how many may come at once. */
export const LINES_PER_SECOND = 100
export const LINES_BURST = 500

export type RequestLine = Readonly<Record<string, unknown>> & {
  /** The address that the request came from, if the line is to name it. */
  readonly from?: string
}

/**
 * Log lines that requests cause. Clients must not be able to fill the disk with them, so lines beyond the bounds are
 * left out. The next line says how many were, and the metrics count every answer and every refusal.
 */
export class RequestLines {
  readonly #log: Logger
  readonly #monotonicMs: () => number
  readonly #ofAddress: RateLimit = new RateLimit(LINES_PER_ADDRESS)
  readonly #ofAll: RateLimit = new RateLimit(LINES_PER_SECOND, LINES_BURST)
  #leftOut = 0

  constructor(log: Logger, monotonicMs: () => number) {
    this.#log = log
    this.#monotonicMs = monotonicMs
  }

  write(level: 'info' | 'warn' | 'error', line: RequestLine, message: string): void {
    const nowMs = this.#monotonicMs()
    const { from } = line
    const isOne = from === undefined || this.#ofAddress.take(addressShare(from), nowMs) === 0
    if (!isOne || this.#ofAll.take('', nowMs) > 0) {
      this.#leftOut += 1
      return
    }
    this.#log[level](this.#leftOut === 0 ? line : { ...line, linesLeftOut: this.#leftOut }, message)
    this.#leftOut = 0
  }
}
