import type { Group, GroupOutcome, Operation } from '@rescind/authority'
import type { Handle, TokenDigest } from '@rescind/core'
import { sextetsAt } from '@rescind/core/bytes'
import { NameIndex } from './name-index.ts'
import { NumberList } from './number-list.ts'
import { RowTable } from './row-table.ts'

/** The tokens of a store at its opening: their bits, ten characters each, and their rows as decimal text. */
export type TokenRowIds = { readonly bits: string; readonly rows: string }

/**
 * The row of each token, by digest and by handle (docs/decisions/0012-token-rows.md). It learns of every committed group, so a
 * token that it does not know does not exist. A row that it gives may belong to another token with the same bits, and has
 * to be read to be sure.
 */
export class TokenIndex {
  readonly #digests: RowTable = new RowTable()
  readonly #handles: RowTable = new RowTable()
  readonly names: NameIndex = new NameIndex()

  get bytes(): number {
    return this.#digests.bytes + this.#handles.bytes
  }

  /** Of all realms. */
  get size(): number {
    return this.#digests.size
  }

  byDigest(digest: TokenDigest): readonly number[] {
    return this.#digests.candidates(bitsAt(digest, 0))
  }

  byHandle(handle: Handle): readonly number[] {
    return this.#handles.candidates(bitsAt(handle, HANDLE_PREFIX_CHARS))
  }

  /** Until `endFill` it is filled by `load`, and cannot be queried. @param tokens about how many there are. */
  beginFill(tokens: number): void {
    this.#digests.beginFill(tokens)
    this.#handles.beginFill(tokens)
  }

  endFill(): void {
    this.#digests.endFill()
    this.#handles.endFill()
  }

  load({ bits, rows }: TokenRowIds): void {
    const list = new NumberList(rows)
    for (let at = 0; list.hasNext(); at += 2 * BITS_CHARS) {
      const row = list.next()
      this.#digests.add(bitsAt(bits, at), row)
      this.#handles.add(bitsAt(bits, at + BITS_CHARS), row)
    }
  }

  /** @param rows of the tokens that the group put or forgot, in the order of its writes. */
  committed({ writes }: Group, { outcomes }: Pick<GroupOutcome, 'outcomes'>, rows: Float64Array): void {
    let next = 0
    for (let at = 0; at < writes.length; at += 1) {
      if (outcomes[at]?.kind !== 'applied') continue
      const { realm, operations } = writes[at] as Group['writes'][number]
      for (const operation of operations) {
        if (!movesToken(operation)) continue
        const row = rows[next] as number
        next += 1
        if (operation.kind === 'put-token') {
          this.#digests.add(bitsAt(operation.record.digest, 0), row)
          this.#handles.add(bitsAt(operation.record.handle, HANDLE_PREFIX_CHARS), row)
          this.names.put(realm, row, operation.record)
        } else {
          this.#digests.remove(bitsAt(operation.token.digest, 0), row)
          this.#handles.remove(bitsAt(operation.token.handle, HANDLE_PREFIX_CHARS), row)
          this.names.forget(row)
        }
      }
    }
  }
}

type MovesToken = Extract<Operation, { kind: 'put-token' | 'forget-token' }>

function movesToken(operation: Operation): operation is MovesToken {
  return operation.kind === 'put-token' || operation.kind === 'forget-token'
}

/** Length of `tok_`; as many bits as a digest's follow it. */
const HANDLE_PREFIX_CHARS = 4
const BITS_CHARS = 5

/** 26 bits of base64url text: five characters, the last one in part. */
function bitsAt(text: string, at: number): number {
  return sextetsAt(text, at, BITS_CHARS) >>> 4
}
