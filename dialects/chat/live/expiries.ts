import type { EndingCursor, Realm } from '@rescind/authority'
import { KEEP_MARGIN_MS, type TokenRecord } from '@rescind/core'
import { formatInstant } from '@rescind/core/bytes'
import type { LiveStream } from './stream.ts'

/** Tokens per read. */
const PAGE = 100

/**
 * Tracks how far the streams of one realm have been told of expired tokens. Expiry writes no row, so the tokens are
 * read from the store by time: once for all streams of the realm, and never without a stream.
 */
export class Expiries {
  readonly #realm: Realm
  #told: EndingCursor

  constructor(realm: Realm) {
    this.#realm = realm
    this.#told = { endMs: realm.nowMs() }
  }

  /**
   * Sends events for tokens that expired since the last call. A failed read loses nothing, because the next one
   * continues there.
   * @throws StoreUnavailable
   */
  async tell(open: ReadonlySet<LiveStream>): Promise<void> {
    const { store, ordinal } = this.#realm
    const untilMs = this.#realm.nowMs()
    // The clock went back: tokens reported as expired may be live again, and will expire again.
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

  /** Whether unreported records may have been collected. Upkeep keeps records for KEEP_MARGIN_MS below the floor. */
  #mayHaveLost(): boolean {
    return this.#realm.durableFloorMs - KEEP_MARGIN_MS > this.#told.endMs
  }

  /** A token that a rule or hold ended before it expired was reported by that row. */
  #tellOf(record: TokenRecord, streams: readonly LiveStream[]): void {
    const verdict = this.#realm.judge(record)
    if (verdict.kind !== 'inactive' || verdict.why !== 'expired') return
    const { client = null, handle, expiresAtMs } = record
    const data = JSON.stringify({ client, token: handle, at: formatInstant(expiresAtMs) })
    for (const stream of streams) stream.expire({ client, data })
  }
}
