import type { CheckResult } from './results.ts'

/** Maximum handles that wait to be reported; beyond it, further uses are not noted. */
export const USED_WAITING_MAX = 10_000
/** Maximum handles in one report. */
const REPORT_MAX = 1_000
const MINUTE_MS = 60_000

/** The minute in which a token's use was last noted. */
export type Noted = { usedMinute: number }

/** Collects accepted tokens: each is reported at most once a minute, with an acknowledgement. */
export class Used {
  readonly #waiting: Set<string> = new Set()

  /** Notes a use. @returns the same result. */
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
