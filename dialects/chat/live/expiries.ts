import type { EndingCursor, Realm } from '@rescind/authority'
import { KEEP_MARGIN_MS, type TokenRecord } from '@rescind/core'
import { formatInstant } from '@rescind/core/bytes'
import type { LiveStream } from './stream.ts'

/** Tokens that are looked at in one read. */
const PAGE = 100

/**
 * How far the streams of one realm have been told which tokens ran out. Expiry writes no row, so it is read from the
 * store by time: once for all streams of the realm, and not at all while there are none.
 */
export class Expiries {
  readonly #realm: Realm
  #told: EndingCursor

  constructor(realm: Realm) {
    this.#realm = realm
    this.#told = { endMs: realm.nowMs() }
  }

  /**
   * Tells what ran out since it was asked last. A failed read loses nothing: the next one goes on where this one was.
   * @throws StoreUnavailable
   */
  async tell(open: ReadonlySet<LiveStream>): Promise<void> {
    const { store, ordinal } = this.#realm
    const untilMs = this.#realm.nowMs()
    // The clock went back: what ran out by the later time may live again, and will run out again.
    if (untilMs < this.#told.endMs) this.#told = { endMs: untilMs }
    while (open.size > 0 && (this.#told.endMs < untilMs || this.#told.key !== undefined)) {
      const bySource = Map.groupBy(open, ({ source }) => source)
      const ask = { sources: [...bySource.keys()], after: this.#told, untilMs, limit: PAGE }
      const { records, next } = await store.tokensEnding(ordinal, ask)
      if (this.#mayHaveLost()) {
        for (const stream of open) stream.reset()
        this.#told = { endMs: untilMs }
        return
      }
      for (const record of records) this.#tellOf(record, bySource.get(record.source) ?? [])
      this.#told = next ?? { endMs: untilMs }
    }
  }

  /** Whether records may have been collected that nobody was told of: upkeep keeps them this long below the floor. */
  #mayHaveLost(): boolean {
    return this.#realm.durableFloorMs - KEEP_MARGIN_MS > this.#told.endMs
  }

  /** What a rule or a hold had ended before is told of by its row. */
  #tellOf(record: TokenRecord, streams: readonly LiveStream[]): void {
    const verdict = this.#realm.judge(record)
    if (verdict.kind !== 'inactive' || verdict.why !== 'expired') return
    const { client = null, handle, expiresAtMs } = record
    const data = JSON.stringify({ client, token: handle, at: formatInstant(expiresAtMs) })
    for (const stream of streams) stream.expire({ client, data })
  }
}
