/** Questions about single tokens that are judged in one turn of the event loop: some three milliseconds of them. */
export const QUESTIONS_PER_TURN = 32

/**
 * Lets verifiers' questions about single tokens wait for what proves that they are fresh: a question is judged in a
 * later turn of the event loop, and a few in each, so that an acknowledgement which came with a thousand of them is
 * answered first. In order, and none waits for more than those before it.
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
