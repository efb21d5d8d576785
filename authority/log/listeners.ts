import type { RealmOrdinal } from '@rescind/core'
import type { LogRow } from '@rescind/core/log'
import type { GroupListener, Publication } from './publications.ts'

/** Called for every row once it is durable and folded, before its caller gets an answer. Must not throw. */
export type RowListener = (realm: RealmOrdinal, row: LogRow) => void

/** Those who are told what a log has got. */
export class Listeners {
  readonly #rows: RowListener[] = []
  readonly #ofRealm: Map<RealmOrdinal, (row: LogRow) => void> = new Map()
  readonly #groups: GroupListener[] = []

  onRow(listener: RowListener): void {
    this.#rows.push(listener)
  }

  /** Called before all others, for one realm's caches only: a row costs nothing for other open realms. */
  onRowOf(realm: RealmOrdinal, listener: (row: LogRow) => void): void {
    this.#ofRealm.set(realm, listener)
  }

  /** For listeners that pass on whole groups: one publication per realm and flush, in order, without a gap. */
  onGroup(listener: GroupListener): void {
    this.#groups.push(listener)
  }

  get hasGroups(): boolean {
    return this.#groups.length > 0
  }

  tell(realm: RealmOrdinal, row: LogRow): void {
    this.#ofRealm.get(realm)?.(row)
    for (const listener of this.#rows) listener(realm, row)
  }

  publish(publication: Publication): void {
    for (const { published } of this.#groups) published(publication)
  }

  lost(realm: RealmOrdinal): void {
    for (const { lost } of this.#groups) lost(realm)
  }
}
