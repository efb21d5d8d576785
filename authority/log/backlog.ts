/** The owner of an item, outermost first: its realm, its source there, its caller there. All paths have the same length. */
export type SharePath = readonly (string | number)[]

/**
 * Items that wait beyond the next group, kept by owner. All owners at one level have equal claim to room and turns, however
 * many items each has; the same holds at every level inside.
 */
export class Backlog<W> {
  readonly #depth: number
  /** Owners with waiting items, in the order of their turns. */
  readonly #shares: Map<string | number, Backlog<W>> = new Map()
  /** Items in order of arrival; only at the innermost level. */
  readonly #own: W[] = []
  #size = 0

  constructor(depth = 0) {
    this.#depth = depth
  }

  get size(): number {
    return this.#size
  }

  add(item: W, path: SharePath): void {
    this.#size += 1
    const name = path[this.#depth]
    if (name === undefined) {
      this.#own.push(item)
      return
    }
    const known = this.#shares.get(name)
    const share = known ?? new Backlog<W>(this.#depth + 1)
    if (known === undefined) this.#shares.set(name, share)
    share.add(item, path)
  }

  /** Takes out up to `max` items: the same number from each owner, in each owner's order of arrival. */
  take(max: number): readonly W[] {
    if (this.#shares.size === 0) {
      const taken = this.#own.splice(0, max)
      this.#size -= taken.length
      return taken
    }
    const taken: W[] = []
    while (taken.length < max && this.#size > 0) {
      const room = max - taken.length
      const part = Math.max(1, Math.floor(room / this.#shares.size))
      for (let turns = Math.min(this.#shares.size, room); turns > 0; turns -= 1)
        for (const item of this.#takeTurn(part)) taken.push(item)
    }
    return taken
  }

  /**
   * Removes the newest item of the owner with most, to make room for one item with this path. It never takes from an owner
   * whose claim equals the newcomer's. @returns undefined when no owner has so much more.
   */
  giveWay(path: SharePath): W | undefined {
    const name = path[this.#depth]
    if (name === undefined) return undefined
    const own = this.#shares.get(name)
    const most = this.#most()
    const isUneven = most !== undefined && most[1].size > (own?.size ?? 0) + 1
    if (isUneven) return this.#dropNewest(most)
    const given = own?.giveWay(path)
    if (given !== undefined) this.#size -= 1
    return given
  }

  #takeTurn(max: number): readonly W[] {
    const [first] = this.#shares
    if (first === undefined) return []
    const [name, share] = first
    const taken = share.take(max)
    this.#size -= taken.length
    this.#shares.delete(name)
    if (share.size > 0) this.#shares.set(name, share)
    return taken
  }

  #most(): [string | number, Backlog<W>] | undefined {
    let most: [string | number, Backlog<W>] | undefined
    for (const one of this.#shares) if (most === undefined || one[1].size > most[1].size) most = one
    return most
  }

  #dropNewest([name, share]: [string | number, Backlog<W>]): W | undefined {
    const inner = share.#most()
    const dropped = inner === undefined ? share.#own.pop() : share.#dropNewest(inner)
    if (inner === undefined) share.#size -= 1
    this.#size -= 1
    if (share.size === 0) this.#shares.delete(name)
    return dropped
  }
}
