import type { Realm, Realms } from '@rescind/authority'
import { isOutage } from '@rescind/core'
import { APPROVALS } from './approvals.ts'
import { HOLDS } from './holds.ts'
import { SCHEDULES } from './schedules.ts'

/** How old the counts of all realms may be. */
const FRESH_MS = 10_000

export type OpenItems = { readonly holds: number; readonly approvals: number; readonly schedules: number }

/** What waits in one realm. @throws StoreUnavailable. */
export async function openIn(realm: Realm): Promise<OpenItems> {
  const [holds, approvals, schedules] = await Promise.all([
    HOLDS.count(realm),
    APPROVALS.count(realm),
    SCHEDULES.count(realm),
  ])
  return { holds, approvals, schedules }
}

/**
 * What waits in all realms, for a scrape. One realm after the other is counted, at most every ten seconds; whoever asks meanwhile
 * gets the counts from before, so that a scrape waits for the store only the first time.
 */
export class OpenCounts {
  readonly #realms: Realms
  readonly #monotonicMs: () => number
  #last: OpenItems | undefined
  #readMs = 0
  #reading: Promise<void> | undefined

  constructor(realms: Realms, monotonicMs: () => number) {
    this.#realms = realms
    this.#monotonicMs = monotonicMs
  }

  async read(): Promise<OpenItems> {
    const nowMs = this.#monotonicMs()
    if (this.#reading === undefined && (this.#last === undefined || nowMs - this.#readMs >= FRESH_MS)) {
      this.#readMs = nowMs
      this.#reading = this.#count().finally(() => {
        this.#reading = undefined
      })
    }
    if (this.#last === undefined) await this.#reading
    return this.#last ?? NOT_KNOWN
  }

  /** While the store cannot be read, the last counts stand. */
  async #count(): Promise<void> {
    const total = { holds: 0, approvals: 0, schedules: 0 }
    try {
      for (const realm of this.#realms.all()) {
        const { holds, approvals, schedules } = await openIn(realm)
        total.holds += holds
        total.approvals += approvals
        total.schedules += schedules
      }
      this.#last = total
    } catch (error) {
      if (!isOutage(error)) throw error
    }
  }
}

/** Prometheus shows it as not a number, and not as none. */
const NOT_KNOWN: OpenItems = { holds: Number.NaN, approvals: Number.NaN, schedules: Number.NaN }
