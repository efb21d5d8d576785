import { type Realms, rotateDueKeys } from '@rescind/core'

/** Rounds of maintenance between two looks at the keys: an hour's worth. */
const ROUNDS_BETWEEN = 120

/** Rotates signing keys whose time has come, realm by realm. */
export class SigningKeyUpkeep {
  readonly #realms: Realms
  readonly #maxAgeMs: number
  #rounds = 0

  constructor(realms: Realms, maxAgeMs: number) {
    this.#realms = realms
    this.#maxAgeMs = maxAgeMs
  }

  async round(): Promise<void> {
    const isDue = this.#rounds % ROUNDS_BETWEEN === 0
    this.#rounds += 1
    if (this.#maxAgeMs === 0 || !isDue) return
    for (const realm of this.#realms.all()) await rotateDueKeys(realm, this.#maxAgeMs)
  }
}
