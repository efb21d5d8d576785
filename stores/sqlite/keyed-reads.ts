import type { Consumption, DirectoryRecord, KeyedReads, RecordKeyAsk } from '@rescind/authority'
import type { Handle, RealmOrdinal, TokenDigest, TokenRecord } from '@rescind/core'
import type { TokenRow } from '../token-facts.ts'
import { recordOfRow } from '../token-record.ts'
import { directoryRecord, type RecordRow, rowOf } from './reads.ts'
import type { Snapshot } from './snapshot.ts'
import type { TokenIndex } from './token-index.ts'

/** An open store's look-ups, on the main thread's connection: a few microseconds each. */
export class SqliteKeyedReads implements KeyedReads {
  readonly snapshot: Snapshot
  readonly #index: TokenIndex

  constructor(snapshot: Snapshot, index: TokenIndex) {
    this.snapshot = snapshot
    this.#index = index
  }

  tokenByDigest(realm: RealmOrdinal, digest: TokenDigest): TokenRecord | undefined {
    return this.#token(realm, this.#index.byDigest(digest), (row) => row[0] === digest)
  }

  tokenByHandle(realm: RealmOrdinal, handle: Handle): TokenRecord | undefined {
    return this.#token(realm, this.#index.byHandle(handle), (row) => row[1] === handle)
  }

  consumption(realm: RealmOrdinal, handle: Handle): Consumption | undefined {
    const row = this.snapshot.newest((reads) => rowOf<[Uint8Array | null]>(reads.consumption, realm, handle))
    return row === undefined ? undefined : { handle, sealed: row[0] ?? undefined }
  }

  record(realm: RealmOrdinal, collection: string, id: string): DirectoryRecord | undefined {
    const row = this.snapshot.newest((reads) => rowOf<RecordRow>(reads.record, realm, collection, id))
    return row === undefined ? undefined : directoryRecord(collection, row)
  }

  recordByKey(realm: RealmOrdinal, { collection, name, value }: RecordKeyAsk): DirectoryRecord | undefined {
    const row = this.snapshot.newest((reads) =>
      rowOf<RecordRow>(reads.recordByKey, realm, collection, name, value),
    )
    return row === undefined ? undefined : directoryRecord(collection, row)
  }

  #token(
    realm: RealmOrdinal,
    rowIds: readonly number[],
    isIt: (row: TokenRow) => boolean,
  ): TokenRecord | undefined {
    for (const at of rowIds) {
      const row = this.snapshot.settled((reads) =>
        rowOf<readonly [...TokenRow, realm: number]>(reads.token, at),
      )
      if (row === undefined || row[6] !== realm) continue
      const token: TokenRow = [row[0], row[1], row[2], row[3], row[4], row[5]]
      if (isIt(token)) return recordOfRow(token)
    }
    return undefined
  }
}
