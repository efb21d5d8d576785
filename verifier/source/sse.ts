/** One server-sent event (WHATWG HTML §9.2). */
export type SseMessage = { readonly event: string; readonly data: string }

/** Longest incomplete event in characters; no valid feed sends more. */
export const EVENT_MAX_CHARS = 33_554_432

/** Splits a stream of text into events, however it is split into chunks. */
export class SseParser {
  readonly #onMessage: (message: SseMessage) => void
  #rest = ''
  #event = ''
  #data: string[] = []
  #chars = 0

  constructor(onMessage: (message: SseMessage) => void) {
    this.#onMessage = onMessage
  }

  /** @returns false when an event is too long, and the stream must be ended. */
  push(text: string): boolean {
    const lines = (this.#rest + text).split('\n')
    this.#rest = lines.pop() ?? ''
    for (const line of lines) this.#line(line.endsWith('\r') ? line.slice(0, -1) : line)
    return this.#chars + this.#rest.length <= EVENT_MAX_CHARS
  }

  #line(line: string): void {
    if (line === '') {
      if (this.#data.length > 0)
        this.#onMessage({ event: this.#event || 'message', data: this.#data.join('\n') })
      this.#event = ''
      this.#data = []
      this.#chars = 0
      return
    }
    this.#chars += line.length
    const colon = line.indexOf(':')
    const name = colon < 0 ? line : line.slice(0, colon)
    const value = colon < 0 ? '' : line.slice(line[colon + 1] === ' ' ? colon + 2 : colon + 1)
    if (name === 'data') this.#data.push(value)
    else if (name === 'event') this.#event = value
  }
}
