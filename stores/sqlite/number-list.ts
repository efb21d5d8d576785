/** Integers as SQLite writes them, comma-separated: a thread hands over a million numbers as one text. Exact up to 2^53. */
export class NumberList {
  readonly #text: string
  #at = 0

  constructor(text: string) {
    this.#text = text
  }

  hasNext(): boolean {
    return this.#at < this.#text.length
  }

  next(): number {
    const text = this.#text
    const isNegative = text.charCodeAt(this.#at) === MINUS
    let at = isNegative ? this.#at + 1 : this.#at
    let value = 0
    // Reading past the end yields NaN, which slows down every read.
    for (; at < text.length; at += 1) {
      const digit = text.charCodeAt(at) - ZERO
      if (digit < 0) break
      value = value * 10 + digit
    }
    this.#at = at + 1
    return isNegative ? -value : value
  }
}

const MINUS = 45
const ZERO = 48
