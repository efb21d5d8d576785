import type { Realm } from '@rescind/authority'
import type { ControlParts } from '../../frame/endpoint.ts'
import type { Gathered } from './gathered.ts'
import type { Read } from './readings.ts'

/** The search for one text in one realm. */
export type Search = {
  readonly realm: Realm
  readonly parts: Pick<ControlParts, 'realms' | 'keySets' | 'sources' | 'secrets' | 'people' | 'monotonicMs'>
  /** The only realm of the caller's key; undefined: all. */
  readonly keysOf: string | undefined
  readonly read: Read
  readonly into: Gathered
  /** Whether there is no time left for this realm. */
  readonly isOver: () => boolean
}
