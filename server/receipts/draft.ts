import type { Audit, Publication, PublishedRow } from '@rescind/authority'
import { rowKindOf } from '@rescind/core/log'
import { BLOCK_ROWS, BlockWriter, blockOf, EntryHashes } from './block.ts'
import { isRevoke, rowsOfRequest } from './receipt.ts'

/** Finished blocks that may wait to be written, some 20 KB each. Further blocks are read from the log in their turn. */
const READY_MAX = 256

export type FinishedBlock = { readonly value: Uint8Array; readonly lastMs: number }

/**
 * Builds index blocks from rows as they are published, because reading and decoding a row again took a sixth of a
 * revocation's time. A block that missed a row is left to the indexer, which reads the log.
 */
export class BlockDraft {
  readonly #ready: Map<number, FinishedBlock> = new Map()
  #open: { readonly writer: BlockWriter; readonly hashes: EntryHashes } | undefined
  #seq: number | undefined
  #isQuiet = true
  #last: { readonly text: string; readonly audit: Audit } | undefined

  published({ prev, rows }: Pick<Publication, 'prev' | 'rows'>): void {
    this.#isQuiet = false
    if (prev !== this.#seq) this.#open = undefined
    for (const [at, row] of rows.entries()) {
      if ((row.seq - 1) % BLOCK_ROWS === 0)
        this.#open = { writer: new BlockWriter(), hashes: new EntryHashes() }
      // Without its audit it has to be read.
      if (row.audit === '') this.#open = undefined
      else if (rowKindOf(row) === 'revoke') this.#add(rows, at)
      if (row.seq % BLOCK_ROWS === 0) this.#finish(row)
    }
    this.#seq = prev + rows.length
  }

  /** Drops an unfinished block that got no row since the last call, because most realms are quiet. */
  rest(): void {
    if (this.#isQuiet) this.#open = undefined
    this.#isQuiet = true
  }

  has(block: number): boolean {
    return this.#ready.has(block)
  }

  /** Hands over a finished block, and forgets it and all earlier ones. */
  take(block: number): FinishedBlock | undefined {
    const found = this.#ready.get(block)
    for (const known of this.#ready.keys()) if (known <= block) this.#ready.delete(known)
    return found
  }

  #add(rows: readonly PublishedRow[], at: number): void {
    const row = rows[at] as PublishedRow
    const audit = this.#auditOf(row.audit)
    const of = rowsOfRequest(audit)
    if (this.#open === undefined || of === 0) return
    // A row of another process may come in a later publication than the rows before it of the same request.
    if (of > at + 1) {
      this.#open = undefined
      return
    }
    const rules = rows.slice(at + 1 - of, at + 1).map(({ means }) => means)
    const hashes = this.#open.hashes.of({ rules: rules.filter(isRevoke), audit })
    this.#open.writer.add({ seq: row.seq, hashes })
  }

  #finish({ seq, atMs }: PublishedRow): void {
    const done = this.#open
    this.#open = undefined
    if (done === undefined || this.#ready.size >= READY_MAX) return
    this.#ready.set(blockOf(seq), { value: done.writer.bytes(), lastMs: atMs })
  }

  /** Under load most rows have the same audit as the one before. */
  #auditOf(text: string): Audit {
    // This program has just written it; text that is read from the store is parsed with more care.
    if (this.#last?.text !== text) this.#last = { text, audit: JSON.parse(text) as Audit }
    return this.#last.audit
  }
}
