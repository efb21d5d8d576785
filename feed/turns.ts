/** Questions about single tokens that are judged per turn of the event loop: about three milliseconds of work. */
export const QUESTIONS_PER_TURN = 32

/**
 * Lets questions about single tokens wait behind proofs of freshness: each is judged in a later turn of the event loop, a few
 * per turn, so that an acknowledgement that came with a thousand questions is answered first. Questions keep their order.
 */
export class Turns {
  readonly #waiting: (() => void)[] = []
  #isPlanned = false

  turn(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve)
      this.#plan()
    })
  }

  #plan(): void {
    if (this.#isPlanned || this.#waiting.length === 0) return
    this.#isPlanned = true
    setImmediate(() => {
      this.#isPlanned = false
      for (const go of this.#waiting.splice(0, QUESTIONS_PER_TURN)) go()
      this.#plan()
    })
  }
}
