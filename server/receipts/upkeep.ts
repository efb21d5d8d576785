import { LogTrim, type Realm, type Realms } from '@rescind/authority'
import type { RealmOrdinal } from '@rescind/core'
import { ReceiptIndexer } from './indexer.ts'
import { AuditRetention } from './retention.ts'

/** The most blocks of the index that one round reads for a realm; the rest wait for the next round. */
const BLOCKS_PER_ROUND = 100

type Kept = {
  readonly indexer: ReceiptIndexer
  readonly retention: AuditRetention
  readonly trim: LogTrim
}

/** For every realm of a store: indexes receipts, forgets their audits in time, and then trims their rows. */
export class ReceiptUpkeep {
  readonly #realms: Realms
  readonly #retentionMs: number
  readonly #known: Map<RealmOrdinal, Kept> = new Map()

  constructor(realms: Realms, retentionMs: number) {
    this.#retentionMs = retentionMs
    this.#realms = realms
    this.restart()
    realms.ledger.onGroup({
      published: (publication) => this.#known.get(publication.realm)?.indexer.published(publication),
      // The indexer notices the gap, because the next publication does not follow the last one.
      lost: () => {},
    })
  }

  /** Another process did it meanwhile: what was known is out of date. */
  restart(): void {
    this.pause()
    for (const realm of this.#realms.all()) this.#of(realm)
  }

  /** Another process does it: nothing is prepared here. */
  pause(): void {
    this.#known.clear()
  }

  /** @throws StoreUnavailable, Overloaded. */
  async round(realm: Realm, isStopped: () => boolean): Promise<void> {
    const { indexer, retention, trim } = this.#of(realm)
    if (!isStopped()) await indexer.run(BLOCKS_PER_ROUND)
    while (!isStopped() && (await retention.step()));
    while (!isStopped() && (await trim.step()));
  }

  #of(realm: Realm): Kept {
    const known = this.#known.get(realm.ordinal)
    if (known !== undefined) return known
    const made = {
      indexer: new ReceiptIndexer(realm, this.#retentionMs),
      retention: new AuditRetention(realm, this.#retentionMs),
      trim: new LogTrim({ realm, auditRetentionMs: this.#retentionMs }),
    }
    this.#known.set(realm.ordinal, made)
    return made
  }
}
