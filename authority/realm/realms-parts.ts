import type { Clock, Random } from '@rescind/core'
import type { FlushTimes } from '../log/timed-commit.ts'
import type { Nodes } from '../nodes/nodes.ts'
import type { Defer, IssuingQuota, Store } from '../ports.ts'
import type { Unreadable } from './disorder.ts'
import type { FreeText, RealmParts } from './realm.ts'
import type { MasterKey } from './realm-keys.ts'

export type RealmsParts = {
  readonly store: Store
  readonly master: MasterKey
  readonly clock: Clock
  readonly random: Random
  readonly defer: Defer
  readonly flushes?: FlushTimes | undefined
  /** Of a shared store: the other processes, which this one has joined. */
  readonly nodes?: Nodes | undefined
  /** Absent: callers have no quota. */
  readonly quota?: IssuingQuota
  readonly freeText?: FreeText
  readonly minting?: RealmParts['minting']
  /** Called once for each item that cannot be read. */
  readonly onUnreadable?: (found: Unreadable) => void
  /** This process must end, and start again: its log was trimmed beyond what it has folded, or it lacks the store's master key. */
  readonly mustEnd?: (why: string) => void
  /** Opens a realm with an empty log on its first request instead of at the start. */
  readonly lazily?: boolean
}
