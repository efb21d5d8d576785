import type { Acceptor, Realm } from '@rescind/authority'
import { nextTurn } from '../machine/turns.ts'
import { ACCEPTED_KIND, hashOf, idParts, type TokenName } from './stored-acceptances.ts'

/** Entries about accepted tokens that a realm keeps. */
export const STOCK_MAX = 2_000_000
/** Of these, by one acceptor. */
export const STOCK_PER_ACCEPTOR_MAX = 1_000_000
/** Of these, about registered issuers' tokens, whose ids nobody here can check. */
export const STOCK_FOREIGN_PER_ACCEPTOR_MAX = 100_000
/** How often the stock is counted anew, as entries expire and other nodes write, too. */
const COUNTED_EVERY_MS = 3_600_000
const PAGE = 1_000

/** How many entries about accepted tokens a realm has, so that no verifier fills the store with claims. */
export class AcceptanceStock {
  readonly #realm: Realm
  #own: Map<string, number> = new Map()
  #foreign: Map<string, number> = new Map()
  #size = 0
  #countedMs = Number.NEGATIVE_INFINITY

  constructor(realm: Realm) {
    this.#realm = realm
  }

  /** Whether one more entry is kept. */
  hasRoom(name: TokenName, acceptor: Acceptor): boolean {
    const hash = hashOf(acceptor)
    const foreign = this.#foreign.get(hash) ?? 0
    if (typeof name !== 'string' && foreign >= STOCK_FOREIGN_PER_ACCEPTOR_MAX) return false
    return this.#size < STOCK_MAX && (this.#own.get(hash) ?? 0) + foreign < STOCK_PER_ACCEPTOR_MAX
  }

  added(name: TokenName, acceptor: Acceptor): void {
    this.#count(hashOf(acceptor), typeof name !== 'string')
  }

  /** Counts the entries if the last count is old. @throws StoreUnavailable. */
  async settle(nowMs: number, isStopped: () => boolean): Promise<void> {
    if (nowMs - this.#countedMs < COUNTED_EVERY_MS) return
    const { store, ordinal } = this.#realm
    this.#own = new Map()
    this.#foreign = new Map()
    this.#size = 0
    let after: string | undefined
    do {
      if (isStopped()) return
      const page = await store.expiringPage(ordinal, { kind: ACCEPTED_KIND, after, limit: PAGE })
      for (const { id } of page.entries) {
        const { hash, isForeign } = idParts(id)
        this.#count(hash, isForeign)
      }
      after = page.next
      await nextTurn()
    } while (after !== undefined)
    this.#countedMs = nowMs
  }

  #count(hash: string, isForeign: boolean): void {
    const counts = isForeign ? this.#foreign : this.#own
    counts.set(hash, (counts.get(hash) ?? 0) + 1)
    this.#size += 1
  }
}
