import type { Realms } from '@rescind/authority'
import { isOutage } from '@rescind/core'
import type { Logger } from 'pino'

/** A part of the upkeep: of one realm or, without a realm, of the whole store. */
export type Part = { readonly realm?: string; readonly step: string }
export type Setback = Part & { readonly reason: string }

/**
 * Keeps the parts of the upkeep apart: one that fails holds up no other. Each setback is logged once, with its realm, until
 * its reason changes or the part succeeds again; 1,000 rounds of the same trouble are one line.
 */
export class Setbacks {
  readonly #ledger: Realms['ledger']
  readonly #log: Logger
  readonly #open: Map<string, Setback> = new Map()

  constructor({ ledger }: Pick<Realms, 'ledger'>, log: Logger) {
    this.#ledger = ledger
    this.#log = log
  }

  get open(): readonly Setback[] {
    return [...this.#open.values()]
  }

  /** Runs a part. A failed store fails every part alike, so then none is tried: the store's own setback reports it. */
  async run(part: Part, task: () => Promise<unknown>): Promise<boolean> {
    if (this.#ledger.broken) return false
    try {
      await task()
    } catch (error) {
      // The flush failed for the first caller of its group, so this realm has no setback of its own.
      this.#failed(this.#ledger.broken ? STORE : part, error)
      return false
    }
    this.#succeeded(part)
    return true
  }

  /** Tries the store if its last flush failed. @returns whether it works. */
  async mend(): Promise<boolean> {
    if (!this.#ledger.broken) {
      this.#succeeded(STORE)
      return true
    }
    try {
      await this.#ledger.probe()
    } catch (error) {
      this.#failed(STORE, error)
      return false
    }
    this.#succeeded(STORE)
    return true
  }

  #failed(part: Part, error: unknown): void {
    const reason = error instanceof Error ? error.message : 'unknown'
    const before = this.#open.get(nameOf(part))
    this.#open.set(nameOf(part), { ...part, reason })
    if (before?.reason === reason) return
    if (isOutage(error))
      this.#log.warn({ ...part, reason }, 'upkeep: this part waits for the store and is tried again')
    // A bug, or an unreadable record: the upkeep of other realms must go on.
    else
      this.#log.error(
        { ...part, err: error },
        'upkeep: this part failed and is tried again; report the error',
      )
  }

  #succeeded(part: Part): void {
    if (this.#open.delete(nameOf(part))) this.#log.info(part, 'upkeep: this part works again')
  }
}

const STORE: Part = { step: 'store' }

function nameOf({ realm, step }: Part): string {
  return `${realm ?? ''} ${step}`
}
