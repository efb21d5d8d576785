import type { Cutoff, Position, RealmOrdinal } from '@rescind/core'
import type { Nodes } from '../nodes/nodes.ts'
import type { Defer } from '../ports.ts'
import type { FlushTimes } from './timed-commit.ts'
import type { ConflictWhat, GroupOutcome, Write } from './writes.ts'

/** What rows of other processes bring about beyond the index, before they count as folded. */
export type Following = {
  readonly isSettled: (realm: RealmOrdinal) => boolean
  /** @throws StoreUnavailable. */
  readonly settle: (realm: RealmOrdinal) => Promise<void>
  /** The log of a realm that is not open has moved up to here. */
  readonly stirred: (realm: RealmOrdinal, seq: number) => void
}

export type LedgerParts = {
  readonly defer: Defer
  readonly flushes?: FlushTimes | undefined
  /** Of a shared store. */
  readonly nodes?: Nodes | undefined
  /** The log was trimmed beyond what this process has folded: it must end, and start again. */
  readonly mustEnd?: ((why: string) => void) | undefined
}

/** What became of a write. `stale`: judge again with what is known now, then retry. */
export type Outcome =
  | {
      readonly kind: 'applied'
      readonly at: Position
      readonly seq: number
      readonly previousCutoff?: Cutoff
    }
  | { readonly kind: 'stale' }
  | { readonly kind: 'conflict'; readonly what: ConflictWhat }

/** `fresh`: the writes of a group that were handed to the store, with their outcomes. */
export type Flushed = {
  readonly writes: readonly Write[]
  readonly fresh: readonly Write[]
  readonly settled: GroupOutcome
}
