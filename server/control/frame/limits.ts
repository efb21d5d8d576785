import { type Answer, RateLimit, SCAN_RETRY_SECONDS, type Stale } from '@rescind/dialects'
import { type Problem, problem } from '../../http/problem.ts'
import type { By } from './by.ts'
import type { Ask, ControlParts, RateClass } from './endpoint.ts'

/** How much higher a key's rate for revoking is than for all else, because a refused revocation is an outage. */
const REVOKE_TIMES = 10

/**
 * Limits the requests per second of each key, in classes that do not count against each other. Verifier keys are not
 * limited: many verifiers share one, and a request waits for each of their questions.
 */
export class ControlLimits {
  readonly #classes: Readonly<Record<RateClass, RateLimit>>
  readonly #nowMs: () => number

  constructor(perSecond: number, nowMs: () => number) {
    this.#nowMs = nowMs
    this.#classes = {
      read: new RateLimit(perSecond),
      change: new RateLimit(perSecond),
      revoke: new RateLimit(perSecond * REVOKE_TIMES),
      feed: new RateLimit(0),
    }
  }

  /** @returns the problem to answer when this key has used up its share of the class. */
  refuse(by: By, rateClass: RateClass): Problem | undefined {
    if (by.kind === 'verifier') return undefined
    const waitSeconds = this.#classes[rateClass].take(by.caller.id, this.#nowMs())
    if (waitSeconds === 0) return undefined
    return problem(429, 'this key has made too many requests; wait as long as Retry-After says', {
      'retry-after': String(waitSeconds),
    })
  }
}

/** Runs a call that looks at many records, if its key has room for one more such call. */
export async function inScan(
  { parts, by }: Pick<Ask, 'by'> & { readonly parts: Pick<ControlParts, 'scans'> },
  act: () => Promise<Answer | Stale>,
): Promise<Answer | Stale> {
  const share = { realm: by.realm ?? '', key: by.caller.id }
  return (await parts.scans.run(share, act)) ?? TOO_MANY_SCANS
}

const TOO_MANY_SCANS: Problem = problem(
  429,
  'too many lists, previews or exports are under way; come back when one of them is done',
  { 'retry-after': String(SCAN_RETRY_SECONDS) },
)
