/** On whose behalf a foreign URL is fetched: one app or one issuer of one realm. */
export type FetchShare = { readonly realm: string; readonly of: string }

/** Guarded requests under way at once, of the whole process, of one realm, and of one app or issuer. */
export const FETCHES_MAX = 64
export const FETCHES_PER_REALM_MAX = 32
export const FETCHES_PER_ONE_MAX = 16

type UnderWay = { readonly share: FetchShare; readonly giveUp: () => void }

/**
 * Slots for requests to foreign servers, which may be slow. When all slots of the process, or of a realm, are taken, the
 * oldest request of the largest share is aborted in favour of a smaller share.
 */
export class FetchShares {
  /** In the order in which they began. */
  readonly #underWay: Set<UnderWay> = new Set()

  /** @returns what gives the place back, or undefined when there is none to be had. */
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

  /** Among the realms, or among the apps and issuers of one; `mine` is how much the one that comes has already. */
  #makeRoom(within: string | undefined, mine: number): boolean {
    const [name, count] = this.#largest(({ share }) =>
      within === undefined ? share.realm : share.realm === within ? share.of : undefined,
    )
    // Who gives way is left with as much as who comes gets, or they would push each other out for ever.
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
