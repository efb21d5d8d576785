import type { RealmOrdinal } from '@rescind/core'

type OfRealm = { readonly byName: Map<string, number>; anySeq: number }

/** Which row was the last to change a record of a collection, as far as this process has folded the logs. */
export class ChangedCollections {
  readonly #ofRealm: Map<RealmOrdinal, OfRealm> = new Map()

  changed(realm: RealmOrdinal, seq: number, collection: string): void {
    this.#of(realm).byName.set(collection, seq)
  }

  /** Rows up to here were folded without a look at them: they may have changed any collection. */
  anyChanged(realm: RealmOrdinal, seq: number): void {
    this.#of(realm).anySeq = seq
  }

  /** 0: no row since the realm was opened. */
  at(realm: RealmOrdinal, collection: string): number {
    const known = this.#ofRealm.get(realm)
    return known === undefined ? 0 : Math.max(known.anySeq, known.byName.get(collection) ?? 0)
  }

  #of(realm: RealmOrdinal): OfRealm {
    const known = this.#ofRealm.get(realm) ?? { byName: new Map<string, number>(), anySeq: 0 }
    this.#ofRealm.set(realm, known)
    return known
  }
}
