/** A bounded map that forgets the least recently used entries: when one half is full, it drops the other one. */
export class RecentMap<K, V> {
  readonly #half: number
  #young: Map<K, V> = new Map()
  #old: Map<K, V> = new Map()

  /** @param max entries of both halves together. */
  constructor(max: number) {
    this.#half = Math.max(1, Math.floor(max / 2))
  }

  get size(): number {
    return this.#young.size + this.#old.size
  }

  get(key: K): V | undefined {
    const young = this.#young.get(key)
    if (young !== undefined) return young
    const old = this.#old.get(key)
    if (old !== undefined) {
      this.#old.delete(key)
      this.set(key, old)
    }
    return old
  }

  set(key: K, value: V): void {
    this.#young.set(key, value)
    if (this.#young.size < this.#half) return
    this.#old = this.#young
    this.#young = new Map()
  }

  delete(key: K): void {
    this.#young.delete(key)
    this.#old.delete(key)
  }

  deleteWhere(is: (value: V) => boolean): void {
    for (const half of [this.#young, this.#old]) {
      for (const [key, value] of half) if (is(value)) half.delete(key)
    }
  }
}
