import type { RealmOrdinal } from '@rescind/core'
import type { CheckAsk } from './log-check.ts'
import type { NamesAsk } from './name-read.ts'
import type { SideJoined } from './side-join.ts'
import type { SideLeft, SideLogAsk } from './side-mark.ts'
import type { TokenRowIds } from './token-index.ts'
import type { WalkAsk } from './token-walk.ts'

/** Messages to the writer thread, one at a time. */
export type WriterAsk =
  | {
      readonly kind: 'open'
      readonly path: string
      readonly floorMs: number
      readonly sideLog: SideLogAsk | undefined
    }
  | { readonly kind: 'commit'; readonly group: Uint8Array; readonly checkpoint: boolean }
  /** `inOrder`: everything accepted is done, and nothing more comes. */
  | { readonly kind: 'close'; readonly inOrder: boolean }

/** The durable floor, how the side log matched, and which side log was abandoned. */
export type Opened = {
  readonly floorMs: number
  readonly joined?: SideJoined
  readonly left?: SideLeft
}

/** One number per write, encoded as `CONFLICT` in apply.ts describes. */
export type Committed = {
  readonly outcomes: Float64Array
  /** Rows of the tokens that were put or forgotten, in the order of the operations. */
  readonly rows: Float64Array
  /** Milliseconds that the disk was waited for. */
  readonly syncMs: number
  /** Pages in the write-ahead log now. */
  readonly logPages: number
  readonly heads: readonly {
    readonly realm: RealmOrdinal
    readonly seq: number
    readonly chain: Uint8Array
  }[]
}

/** Messages to the reader thread. A scan is one read transaction of at most 1,000 rows. */
export type ReaderAsk =
  | { readonly kind: 'open'; readonly path: string }
  | { readonly kind: 'scan'; readonly sql: string; readonly values: readonly (string | number)[] }
  /** The statement's last parameter is the limit. */
  | {
      readonly kind: 'page'
      readonly sql: string
      readonly values: readonly (string | number)[]
      readonly limit: number
    }
  | WalkAsk
  | NamesAsk
  | CheckAsk
  | { readonly kind: 'log'; readonly after: number; readonly before: number; readonly limit: number }
  | { readonly kind: 'places'; readonly fromMs: number; readonly limit: number }
  | { readonly kind: 'checkpoint' }
  | { readonly kind: 'close' }

/** Rows of one page; `more`: whether others may follow. */
export type Page<Row> = { readonly rows: readonly Row[]; readonly more: boolean }

/** The rows of at most `limit` tokens that expire at a time or later; `count` is their number. */
export type RowIds = TokenRowIds & { readonly count: number; readonly lastMs: number }

export type Reply =
  | { readonly id: number; readonly ok: true; readonly value: unknown }
  | { readonly id: number; readonly ok: false; readonly refused: boolean; readonly message: string }

export type Posted<Ask> = { readonly id: number; readonly ask: Ask }
