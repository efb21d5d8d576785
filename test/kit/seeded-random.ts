import { createHash } from 'node:crypto'
import type { Random } from '@rescind/core'

/** Reproducible bytes: SHA-256 of a seed and a counter. */
export class SeededRandom implements Random {
  readonly #seed: string
  #counter = 0

  constructor(seed = 'rescind') {
    this.#seed = seed
  }

  bytes(count: number): Buffer {
    const parts: Buffer[] = []
    for (let have = 0; have < count; have += 32) {
      parts.push(createHash('sha256').update(`${this.#seed}:${this.#counter}`).digest())
      this.#counter += 1
    }
    return Buffer.concat(parts).subarray(0, count)
  }
}
