import type { RealmOrdinal } from '@rescind/core'
import type { LogRow, Rule } from '@rescind/core/log'
import type { LogHead } from './writes.ts'

/** A row to be published, with its decoded rule, and the audit text whose hash is in its chain. */
export type PublishedRow = LogRow & { readonly means: Rule; readonly audit: string }

/** What one flush did to one realm's log: its rows in order, after `prev`; `head` is the log's end including them. */
export type Publication = {
  readonly realm: RealmOrdinal
  readonly prev: number
  readonly head: LogHead
  readonly rows: readonly PublishedRow[]
}

/**
 * Called when rows are durable and folded, before their callers get answers. `lost`: rows entered this realm's log without
 * a publication, because a flush's outcome was unknown; read them from the store.
 */
export type GroupListener = {
  readonly published: (publication: Publication) => void
  readonly lost: (realm: RealmOrdinal) => void
}
