import { INSTANCES_PER_KEY_MAX } from './instances.ts'

/** Streams of one realm at a time, and long polls that wait. */
export const READERS_MAX = 5_000
/** Of these, plain ones of one key: whoever only reads has no need of many. */
export const PLAIN_PER_KEY_MAX = 50

/** One place among a realm's readers, for an instance or a plain reader of one key. */
export type Seat = {
  readonly key: string
  readonly isPlain: boolean
  /** What ends whoever sits there, for somebody who goes before it. */
  disconnect: () => void
  /** More than once is once. */
  leave: () => void
}

/**
 * Who reads a realm's feed. Each key has a share; and when all places are taken, an instance, whose tokens depend on it,
 * gets that of a plain reader, or else that of a key which holds more instances than its own does.
 */
export class Seats {
  /** In the order in which they were taken. */
  readonly #taken: Set<Seat> = new Set()
  readonly #byKey: Map<string, { plain: number; instances: number }> = new Map()

  get size(): number {
    return this.#taken.size
  }

  /** @param isBack an instance that comes back: its key has a place for it, and maybe the old stream, too. */
  take(key: string, { isPlain, isBack = false }: { isPlain: boolean; isBack?: boolean }): Seat | undefined {
    const own = this.#byKey.get(key) ?? { plain: 0, instances: 0 }
    if (isPlain ? own.plain >= PLAIN_PER_KEY_MAX : !isBack && own.instances >= INSTANCES_PER_KEY_MAX)
      return undefined
    if (this.#taken.size >= READERS_MAX) {
      const other = isPlain ? undefined : this.#whoGoes(own.instances + 1)
      if (other === undefined) return undefined
      other.disconnect()
      other.leave()
    }
    const seat: Seat = { key, isPlain, disconnect: () => {}, leave: () => this.#left(seat) }
    this.#taken.add(seat)
    this.#count(seat, 1)
    return seat
  }

  /** The newest of whoever holds the most: plain ones first, and instances only where another has fewer. */
  #whoGoes(instances: number): Seat | undefined {
    let most: { readonly key: string; readonly count: number; readonly isPlain: boolean } | undefined
    for (const [key, { plain }] of this.#byKey)
      if (plain > (most?.count ?? 0)) most = { key, count: plain, isPlain: true }
    if (most === undefined)
      for (const [key, one] of this.#byKey)
        if (one.instances > (most?.count ?? instances)) most = { key, count: one.instances, isPlain: false }
    const { key, isPlain } = most ?? {}
    return [...this.#taken].findLast((seat) => seat.key === key && seat.isPlain === isPlain)
  }

  #left(seat: Seat): void {
    if (this.#taken.delete(seat)) this.#count(seat, -1)
  }

  #count({ key, isPlain }: Seat, by: number): void {
    const own = this.#byKey.get(key) ?? { plain: 0, instances: 0 }
    if (isPlain) own.plain += by
    else own.instances += by
    if (own.plain + own.instances === 0) this.#byKey.delete(key)
    else this.#byKey.set(key, own)
  }
}
