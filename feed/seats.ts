import { INSTANCES_PER_KEY_MAX } from './instances.ts'

/** Maximum streams and waiting long polls of one realm. */
export const READERS_MAX = 5_000
/** Maximum plain readers of one key, which needs no more just to read. */
export const PLAIN_PER_KEY_MAX = 50

/** One place among a realm's readers, for an instance or a plain reader of one key. */
export type Seat = {
  readonly key: string
  readonly isPlain: boolean
  /** Disconnects the holder of the seat, to make room for another one. */
  disconnect: () => void
  /** Frees the seat; repeating it has no effect. */
  leave: () => void
}

/**
 * The readers of a realm's feed. Each key has a share. When all places are taken, an instance takes the place of a plain
 * reader, because tokens depend on it, or else that of a key with more instances than its own.
 */
export class Seats {
  /** In the order in which they were taken. */
  readonly #taken: Set<Seat> = new Set()
  readonly #byKey: Map<string, { plain: number; instances: number }> = new Map()

  get size(): number {
    return this.#taken.size
  }

  /** @param isBack a returning instance: its key has a place for it, and its old stream may still count, too. */
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

  /** The newest seat of the key with most: plain readers first, instances only of a key with more than the newcomer's. */
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
