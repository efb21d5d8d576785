import type { Operation, Realm } from '@rescind/core'
import { BLOCK_MEMO, BLOCK_ROWS, encodeBlock, entriesOf, memoIdOf } from './block.ts'
import { rowsOfBlock } from './search.ts'

/**
 * Indexes the revocations of a realm behind its log, off the path of every write: a block when it is full. Blocks are
 * made in order, so that what is missing is always the newest.
 */
export class ReceiptIndexer {
  readonly #realm: Realm
  readonly #retentionMs: number
  #next: number | undefined

  constructor(realm: Realm, retentionMs: number) {
    this.#realm = realm
    this.#retentionMs = retentionMs
  }

  /** @returns how many blocks it made, `limit` at most. @throws StoreUnavailable, Overloaded. */
  async run(limit: number): Promise<number> {
    const { index, ordinal } = this.#realm
    const full = Math.floor(index.seq / BLOCK_ROWS)
    this.#next ??= await this.#firstMissing(full)
    let made = 0
    for (; made < limit && this.#next < full; made += 1) {
      const operation = await this.#block(this.#next)
      if (operation !== undefined)
        await this.#realm.commit({ realm: ordinal, standsOn: [], expects: [], operations: [operation] })
      this.#next += 1
    }
    return made
  }

  async #block(block: number): Promise<Operation | undefined> {
    const rows = await rowsOfBlock(this.#realm, block)
    const last = rows.at(-1)
    const expiresAtMs = (last?.atMs ?? 0) + this.#retentionMs
    // What nobody may read any more is not indexed either.
    if (expiresAtMs <= this.#realm.index.floorMs) return undefined
    const value = encodeBlock(entriesOf(rows, block))
    return { kind: 'put-memo', memo: { kind: BLOCK_MEMO, id: memoIdOf(block), value, expiresAtMs } }
  }

  /** Blocks are looked for from the newest, of which a few are missing, back to one that was made. */
  async #firstMissing(full: number): Promise<number> {
    const { store, ordinal } = this.#realm
    let next = full
    while (next > 0) {
      const memo = await store.memo(ordinal, { kind: BLOCK_MEMO, id: memoIdOf(next - 1) })
      if (memo !== undefined) break
      next -= 1
    }
    return next
  }
}
