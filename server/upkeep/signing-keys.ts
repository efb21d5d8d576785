import { type Realm, rotateDueKeys } from '@rescind/authority'

/** Rounds of maintenance between two checks of the keys: an hour's worth. */
const ROUNDS_BETWEEN = 120

/** Rotates signing keys that are due, realm by realm. */
export class SigningKeyUpkeep {
  readonly #maxAgeMs: number
  #rounds = 0

  constructor(maxAgeMs: number) {
    this.#maxAgeMs = maxAgeMs
  }

  /** Whether this round checks the keys; the first one does. */
  begin(): boolean {
    const isDue = this.#rounds % ROUNDS_BETWEEN === 0
    this.#rounds += 1
    return isDue && this.#maxAgeMs > 0
  }

  async rotate(realm: Realm): Promise<void> {
    await rotateDueKeys(realm, this.#maxAgeMs)
  }
}
