import type { Realm } from '@rescind/authority'
import { isOutage, isWholeRecord, type TokenRecord } from '@rescind/core'
import { nextTurn } from '../../../machine/turns.ts'
import { isLive } from '../../../rules/preview.ts'

/** How old a count may be: counting reads the store, and the number changes slowly. */
const FRESH_MS = 60_000
/** Records that one count looks at; a realm with more has at least as many live tokens as were found. */
const RECORDS_MAX = 5_000
const PAGE = 1_000
/** Tokens that are judged in one turn of the event loop, which takes a millisecond or two. */
const TOKENS_PER_TURN = 50
/** Sources that are named; the tokens of the others count in the total. */
const SOURCES_MAX = 50

export type LiveTokens = {
  readonly atMs: number
  readonly live: number
  readonly complete: boolean
  readonly sources: readonly { readonly source: string; readonly live: number }[]
}

/** The live tokens that are recorded in a realm, counted in the background at most once a minute. */
export class TokenCount {
  readonly #realm: Realm
  #last: LiveTokens | undefined
  #counting: Promise<void> | undefined

  constructor(realm: Realm) {
    this.#realm = realm
  }

  /** Waits only for the first count. @throws StoreUnavailable if there is none yet. */
  async read(): Promise<LiveTokens> {
    const last = this.#last
    if (last === undefined || this.#realm.nowMs() - last.atMs >= FRESH_MS)
      this.#counting ??= this.#count().finally(() => {
        this.#counting = undefined
      })
    if (last === undefined) await this.#counting
    else this.#counting?.catch(ignoreOutage)
    return this.#last ?? NONE
  }

  async #count(): Promise<void> {
    const { store, ordinal } = this.#realm
    const bySource = new Map<string, number>()
    let [looked, next] = [0, undefined as number | undefined]
    do {
      const page = await store.tokens(ordinal, { after: next, limit: PAGE })
      for (const [at, record] of page.records.entries()) {
        if (at % TOKENS_PER_TURN === TOKENS_PER_TURN - 1) await nextTurn()
        if (await this.#isLive(record)) bySource.set(record.source, (bySource.get(record.source) ?? 0) + 1)
      }
      // A page may be empty and still have a next one.
      looked += Math.max(page.records.length, 1)
      next = page.next
    } while (next !== undefined && looked < RECORDS_MAX)
    const sources = Array.from(bySource, ([source, live]) => ({ source, live }))
    this.#last = {
      atMs: this.#realm.nowMs(),
      live: sources.reduce((sum, { live }) => sum + live, 0),
      complete: next === undefined,
      sources: sources.sort((left, right) => right.live - left.live).slice(0, SOURCES_MAX),
    }
  }

  async #isLive(stored: TokenRecord): Promise<boolean> {
    return isLive(this.#realm, isWholeRecord(stored) ? stored : await this.#realm.whole(stored))
  }
}

const NONE: LiveTokens = { atMs: 0, live: 0, complete: false, sources: [] }

/** The count from before stands until the store can be read again. */
function ignoreOutage(error: unknown): void {
  if (!isOutage(error)) throw error
}
