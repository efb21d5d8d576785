/** Reproducible randomness for tests that choose moments and orders: mulberry32 of a seed. */
export class Dice {
  #state: number

  constructor(seed: number) {
    this.#state = seed >>> 0
  }

  /** From 0 up to, not including, 1. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }

  below(limit: number): number {
    return Math.floor(this.next() * limit)
  }

  /** Takes an element out of a list. @returns undefined when it is empty. */
  take<T>(from: T[]): T | undefined {
    return from.splice(this.below(from.length), 1)[0]
  }

  /** Up to `count` different elements. */
  sample<T>(from: readonly T[], count: number): readonly T[] {
    if (from.length <= count) return from
    const places = new Set<number>()
    while (places.size < count) places.add(this.below(from.length))
    return from.filter((_, at) => places.has(at))
  }
}
