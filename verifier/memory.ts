import type { TokenDigest } from '@rescind/core'

/** Two halves of so many: what was not asked about while one half filled is forgotten. */
export const REMEMBERED_MAX = 65_536

/** A bounded map that forgets what was used least lately, in halves. */
export class Memory<T> {
  readonly #half: number
  #young: Map<TokenDigest, T> = new Map()
  #old: Map<TokenDigest, T> = new Map()

  constructor(max: number = REMEMBERED_MAX) {
    this.#half = Math.max(1, Math.floor(max / 2))
  }

  get size(): number {
    return this.#young.size + this.#old.size
  }

  get(digest: TokenDigest): T | undefined {
    const young = this.#young.get(digest)
    if (young !== undefined) return young
    const old = this.#old.get(digest)
    if (old !== undefined) {
      this.#old.delete(digest)
      this.set(digest, old)
    }
    return old
  }

  set(digest: TokenDigest, value: T): void {
    this.#young.set(digest, value)
    if (this.#young.size < this.#half) return
    this.#old = this.#young
    this.#young = new Map()
  }

  delete(digest: TokenDigest): void {
    this.#young.delete(digest)
    this.#old.delete(digest)
  }

  deleteWhere(is: (value: T) => boolean): void {
    for (const half of [this.#young, this.#old]) {
      for (const [digest, value] of half) if (is(value)) half.delete(digest)
    }
  }
}
