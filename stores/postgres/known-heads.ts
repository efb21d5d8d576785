import type { KnownHead } from '@rescind/authority'
import type { RealmOrdinal } from '@rescind/core'

/** What this process last saw of the heads, in whichever answer: the groups of a realm are counted nowhere else. */
export class KnownHeads {
  readonly #heads: Map<RealmOrdinal, KnownHead> = new Map()
  readonly #written: Set<RealmOrdinal> = new Set()

  /** Realms to which this process has written a group. */
  get written(): ReadonlySet<RealmOrdinal> {
    return this.#written
  }

  wrote(realm: RealmOrdinal, head: KnownHead): void {
    this.#written.add(realm)
    this.note(realm, head)
  }

  /** An earlier answer may come later. */
  note(realm: RealmOrdinal, head: KnownHead): void {
    const known = this.#heads.get(realm)
    if (known === undefined || head.groups > known.groups) this.#heads.set(realm, head)
  }

  /** Joined with how far the logs are folded, which may be further. */
  with(folded: ReadonlyMap<RealmOrdinal, Omit<KnownHead, 'groups'>>): ReadonlyMap<RealmOrdinal, KnownHead> {
    const all = new Map(this.#heads)
    for (const [realm, head] of folded) {
      const known = all.get(realm)
      if (known === undefined || head.seq > known.seq) all.set(realm, { groups: known?.groups ?? 0, ...head })
    }
    return all
  }
}
