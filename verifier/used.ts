import type { CheckResult } from './results.ts'

/** Handles that wait to be reported; more are not, until these have gone. */
export const USED_WAITING_MAX = 10_000
/** Handles in one report. */
const REPORT_MAX = 1_000
const MINUTE_MS = 60_000

/** When a token was noted last. */
export type Noted = { usedMinute: number }

/** Which tokens were accepted: each is reported once a minute at most, with an acknowledgement. */
export class Used {
  readonly #waiting: Set<string> = new Set()

  /** @returns the result, which it has taken note of. */
  noted(seen: Noted, result: CheckResult): CheckResult {
    if (result.kind !== 'active' || result.handle === undefined) return result
    const minute = Math.floor(result.asOf / MINUTE_MS)
    if (seen.usedMinute === minute || this.#waiting.size >= USED_WAITING_MAX) return result
    seen.usedMinute = minute
    this.#waiting.add(result.handle)
    return result
  }

  take(): readonly string[] {
    const taken: string[] = []
    for (const handle of this.#waiting) {
      if (taken.length === REPORT_MAX) break
      taken.push(handle)
      this.#waiting.delete(handle)
    }
    return taken
  }
}
