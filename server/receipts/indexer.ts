import { type Operation, type Publication, type Realm, UPKEEP } from '@rescind/authority'
import { BLOCK_KIND, BLOCK_ROWS, BlockWriter, entriesOf, entryIdOf } from './block.ts'
import { BlockDraft, type FinishedBlock } from './draft.ts'
import { rowsOfBlock } from './search.ts'

/**
 * Indexes a realm's revocations behind its log. A block is written when it is full and no write waits for it. Blocks
 * are written in order, so only the newest can be missing.
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

  /** Called with this realm's rows as they are published. */
  published(publication: Publication): void {
    this.#draft.published(publication)
  }

  /**
   * @param limit blocks that may be read from the log; blocks that are already built do not count.
   * @returns how many blocks were handled. @throws StoreUnavailable, Overloaded.
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
        await this.#realm.commit({ realm: ordinal, ...UPKEEP, operations: [operation] })
    }
    this.#draft.rest()
    return this.#next - first
  }

  async #block(block: number): Promise<Operation | undefined> {
    const { value, lastMs } = this.#draft.take(block) ?? (await this.#read(block))
    const expiresAtMs = lastMs + this.#retentionMs
    // Entries past their retention are not indexed, because they may no longer be read.
    if (expiresAtMs <= this.#realm.index.floorMs) return undefined
    return { kind: 'put-expiring', entry: { kind: BLOCK_KIND, id: entryIdOf(block), value, expiresAtMs } }
  }

  async #read(block: number): Promise<FinishedBlock> {
    const rows = await rowsOfBlock(this.#realm, block)
    const writer = new BlockWriter()
    for (const entry of await entriesOf(rows, block)) writer.add(entry)
    return { value: writer.bytes(), lastMs: rows.at(-1)?.atMs ?? 0 }
  }

  /** Looks for a stored block from the newest on, because only a few of the newest can be missing. */
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
