/** Text that waits for its reader. The writer bounds it. */
export class Said {
  #waiting: string[] = []
  #ended = false
  #wake: () => void = () => undefined

  say(value: object): void {
    this.#waiting.push(`${JSON.stringify(value)}\n`)
    this.#wake()
  }

  end(value: object): void {
    this.say(value)
    this.#ended = true
    this.#wake()
  }

  async *texts(): AsyncGenerator<string, void> {
    for (;;) {
      if (this.#waiting.length > 0) {
        const text = this.#waiting.join('')
        this.#waiting = []
        yield text
      } else if (this.#ended) return
      else
        await new Promise<void>((wake) => {
          this.#wake = wake
        })
    }
  }
}
