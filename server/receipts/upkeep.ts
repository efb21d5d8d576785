import type { Realm, Realms } from '@rescind/core'
import { ReceiptIndexer } from './indexer.ts'
import { AuditRetention } from './retention.ts'

/** Blocks of the index that one round makes at most for a realm; the rest wait for the next round. */
const BLOCKS_PER_ROUND = 100

/** Keeps receipts findable and forgets them in time, for every realm of a store. */
export class ReceiptUpkeep {
  readonly #realms: Realms
  readonly #retentionMs: number
  readonly #known: Map<Realm, { readonly indexer: ReceiptIndexer; readonly retention: AuditRetention }> =
    new Map()

  constructor(realms: Realms, retentionMs: number) {
    this.#realms = realms
    this.#retentionMs = retentionMs
  }

  /** @throws StoreUnavailable, Overloaded. */
  async round(isStopped: () => boolean): Promise<void> {
    for (const realm of this.#realms.all()) {
      const { indexer, retention } = this.#of(realm)
      if (!isStopped()) await indexer.run(BLOCKS_PER_ROUND)
      while (!isStopped() && (await retention.step()));
    }
  }

  #of(realm: Realm) {
    const known = this.#known.get(realm)
    if (known !== undefined) return known
    const made = {
      indexer: new ReceiptIndexer(realm, this.#retentionMs),
      retention: new AuditRetention(realm, this.#retentionMs),
    }
    this.#known.set(realm, made)
    return made
  }
}
