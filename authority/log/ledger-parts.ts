import type { RealmOrdinal } from '@rescind/core'
import type { Nodes } from '../nodes/nodes.ts'
import type { Defer } from '../ports.ts'

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
  /** Of a shared store. */
  readonly nodes?: Nodes | undefined
  /** Called when this process has missed what it can no longer read: it must end, and start again. */
  readonly mustEnd?: ((why: string) => void) | undefined
}
