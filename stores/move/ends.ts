import type { MovedTable, Row } from './tables.ts'

/** After which row a page begins: its key, in the engine's own columns. */
export type Cursor = readonly string[]

export type Page = { readonly rows: readonly Row[]; readonly last: Cursor | undefined }

/** The end of a log. */
export type StoredHead = {
  readonly realm: number
  readonly seq: number
  readonly chain: string
  readonly atMs: number
  /** Of the epoch that it is in. */
  readonly ordinal: number
}

/** What is known of a store besides its tables. */
export type Facts = {
  readonly floorMs: number
  /** The highest number that any token was ever listed under. */
  readonly highestNumber: number
}

/** A store that is read whole, at rest: nothing else writes to it. */
export type Readable = {
  read(table: MovedTable, after: Cursor | undefined): Promise<Page>
  count(table: MovedTable): Promise<number>
  facts(): Promise<Facts>
  /** The ends of the logs, where the engine stores them by themselves. */
  heads(): Promise<readonly StoredHead[] | undefined>
}

/** Where a store went, and by which move: each one has 128 random bits of its own. */
export type Moved = {
  readonly id: string
  readonly to: string
  /** The copy is in place, and may know more than this store by now: it is never made again. */
  readonly isOver: boolean
}

export type MoveSource = Readable & {
  /** As the target remembers it. */
  readonly name: string
  /** Undefined: it serves, or can. */
  readonly moved: Moved | undefined
  /** @throws StoreRefused for what the other engine cannot hold. */
  check(): Promise<void>
  /** Makes the move durable: nothing can be written here afterwards. @throws StoreRefused while another process uses it. */
  begin(moved: Omit<Moved, 'isOver'>): Promise<void>
  /** Resolves when nobody can answer by this store any more. */
  quiet(): Promise<void>
  /** Makes it durable that the copy is in place. */
  end(): Promise<void>
  close(): Promise<void>
}

/** `empty`: nothing is there. `begun`, `whole`: the copy of one move, not yet or already in place. */
export type TargetState =
  | { readonly kind: 'empty' }
  | { readonly kind: 'begun' | 'whole'; readonly id: string; readonly from: string }

export type Came = { readonly id: string; readonly from: string }

/** How far each table was copied; those without an entry were not begun. */
export type Progress = ReadonlyMap<MovedTable, Cursor | 'done'>

/** A copy in the making, which no server can open until it is in place. */
export type MoveTarget = Readable & {
  readonly name: string
  readonly state: TargetState
  /** Begins the copy, or goes on with it. */
  open(came: Came): Promise<Progress>
  /** In one step: these rows, and that the table was copied up to `through`. */
  write(table: MovedTable, rows: readonly Row[], through: Cursor | 'done'): Promise<void>
  /** What the engine stores besides the tables. */
  finish(facts: Facts, heads: readonly StoredHead[]): Promise<void>
  /** In one step: a server can open it from now on. */
  place(): Promise<void>
  close(): Promise<void>
}
