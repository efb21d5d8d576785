import type { Operation, Publication, Realm } from '@rescind/authority'
import { BLOCK_KIND, BLOCK_ROWS, BlockWriter, entriesOf, entryIdOf } from './block.ts'
import { BlockDraft, type FinishedBlock } from './draft.ts'
import { rowsOfBlock } from './search.ts'

/**
 * Indexes the revocations of a realm behind its log: a block when it is full, written when no write waits for it. Blocks
 * are written in order, so that what is missing is always the newest.
 */
export class ReceiptIndexer {
  readonly #realm: Realm
  readonly #retentionMs: number
  readonly #draft: BlockDraft = new BlockDraft()
  #next: number | undefined

  constructor(realm: Realm, retentionMs: number) {
    this.#realm = realm
    this.#retentionMs = retentionMs
  }

  /** Told of this realm's rows as they are published. */
  published(publication: Publication): void {
    this.#draft.published(publication)
  }

  /**
   * @param limit blocks that may be read from the log; those that are put together already go besides.
   * @returns how many blocks are dealt with. @throws StoreUnavailable, Overloaded.
   */
  async run(limit: number): Promise<number> {
    const { index, ordinal } = this.#realm
    const full = Math.floor(index.seq / BLOCK_ROWS)
    this.#next ??= await this.#firstMissing(full)
    const first = this.#next
    let left = limit
    for (; this.#next < full && (left > 0 || this.#draft.has(this.#next)); this.#next += 1) {
      if (!this.#draft.has(this.#next)) left -= 1
      const operation = await this.#block(this.#next)
      if (operation !== undefined)
        await this.#realm.commit({ realm: ordinal, dependsOn: [], expects: [], operations: [operation] })
    }
    this.#draft.rest()
    return this.#next - first
  }

  async #block(block: number): Promise<Operation | undefined> {
    const { value, lastMs } = this.#draft.take(block) ?? (await this.#read(block))
    const expiresAtMs = lastMs + this.#retentionMs
    // Entries past their retention are not indexed: they may no longer be read.
    if (expiresAtMs <= this.#realm.index.floorMs) return undefined
    return { kind: 'put-expiring', entry: { kind: BLOCK_KIND, id: entryIdOf(block), value, expiresAtMs } }
  }

  async #read(block: number): Promise<FinishedBlock> {
    const rows = await rowsOfBlock(this.#realm, block)
    const writer = new BlockWriter()
    for (const entry of await entriesOf(rows, block)) writer.add(entry)
    return { value: writer.bytes(), lastMs: rows.at(-1)?.atMs ?? 0 }
  }

  /** Blocks are looked for from the newest, of which a few are missing, back to one that was made. */
  async #firstMissing(full: number): Promise<number> {
    const { store, ordinal } = this.#realm
    let next = full
    while (next > 0) {
      const entry = await store.expiring(ordinal, { kind: BLOCK_KIND, id: entryIdOf(next - 1) })
      if (entry !== undefined) break
      next -= 1
    }
    return next
  }
}
