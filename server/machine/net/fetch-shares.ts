/** The owner of a fetch: one app or one issuer of one realm. */
export type FetchShare = { readonly realm: string; readonly of: string }

/** Bounds of guarded requests under way: for the process, for one realm, and for one app or issuer. */
export const FETCHES_MAX = 64
export const FETCHES_PER_REALM_MAX = 32
export const FETCHES_PER_ONE_MAX = 16

type UnderWay = { readonly share: FetchShare; readonly giveUp: () => void }

/**
 * Slots for requests to foreign servers, which may be slow. When all slots of the process, or of a realm, are taken, the
 * oldest request of the largest share is aborted in favour of a smaller share.
 */
export class FetchShares {
  /** In the order of their start. */
  readonly #underWay: Set<UnderWay> = new Set()

  /** @returns a function that frees the slot, or undefined when there is no slot. */
  enter(share: FetchShare, giveUp: () => void): (() => void) | undefined {
    const ofOne = this.#count(({ realm, of }) => realm === share.realm && of === share.of)
    if (ofOne >= FETCHES_PER_ONE_MAX) return undefined
    const ofRealm = this.#count(({ realm }) => realm === share.realm)
    if (ofRealm >= FETCHES_PER_REALM_MAX && !this.#makeRoom(share.realm, ofOne)) return undefined
    if (this.#underWay.size >= FETCHES_MAX && !this.#makeRoom(undefined, ofRealm)) return undefined
    const mine = { share, giveUp }
    this.#underWay.add(mine)
    return () => this.#underWay.delete(mine)
  }

  #count(isMeant: (share: FetchShare) => boolean): number {
    let count = 0
    for (const { share } of this.#underWay) if (isMeant(share)) count += 1
    return count
  }

  /** Frees a slot among the realms, or among the apps and issuers of one; `mine` is how many the newcomer has. */
  #makeRoom(within: string | undefined, mine: number): boolean {
    const [name, count] = this.#largest(({ share }) =>
      within === undefined ? share.realm : share.realm === within ? share.of : undefined,
    )
    // The owner that gives way keeps as many slots as the newcomer gets. Otherwise the two would evict each other
    // forever.
    if (count <= mine + 1) return false
    const realm = within ?? name
    const [of] = this.#largest(({ share }) => (share.realm === realm ? share.of : undefined))
    for (const one of this.#underWay) {
      if (one.share.realm !== realm || one.share.of !== of) continue
      this.#underWay.delete(one)
      one.giveUp()
      return true
    }
    return false
  }

  #largest(nameOf: (one: UnderWay) => string | undefined): readonly [name: string, count: number] {
    const counts = new Map<string, number>()
    for (const one of this.#underWay) {
      const name = nameOf(one)
      if (name !== undefined) counts.set(name, (counts.get(name) ?? 0) + 1)
    }
    let largest: readonly [string, number] = ['', 0]
    for (const entry of counts) if (entry[1] > largest[1]) largest = entry
    return largest
  }
}
