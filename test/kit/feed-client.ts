import http from 'node:http'

/** An event of the feed, read by plain HTTP without our SDK. */
export type SseEvent = { readonly event: string; readonly id: string | undefined; readonly data: unknown }

export class FeedReader {
  readonly #request: http.ClientRequest
  readonly #events: SseEvent[] = []
  readonly #waiting: (() => void)[] = []
  #text = ''
  #closed = false
  status = 0
  body = ''

  constructor(url: string, headers: Readonly<Record<string, string>>) {
    this.#request = http.get(url, { headers }, (response) => {
      this.status = response.statusCode ?? 0
      response.setEncoding('utf8')
      response.on('data', (chunk: string) => this.#take(chunk))
      response.on('close', () => this.#close())
    })
    this.#request.on('error', () => this.#close())
  }

  /** The next event, in order; undefined when the stream has ended. */
  async next(): Promise<SseEvent | undefined> {
    while (this.#events.length === 0) {
      if (this.#closed) return undefined
      await new Promise<void>((resolve) => this.#waiting.push(resolve))
    }
    return this.#events.shift()
  }

  close(): void {
    this.#request.destroy()
  }

  #take(chunk: string): void {
    this.body += chunk
    this.#text += chunk
    for (let end = this.#text.indexOf('\n\n'); end >= 0; end = this.#text.indexOf('\n\n')) {
      this.#event(this.#text.slice(0, end))
      this.#text = this.#text.slice(end + 2)
    }
    this.#wake()
  }

  #event(text: string): void {
    const fields = new Map(
      text.split('\n').map((line) => [line.split(':')[0] ?? '', line.replace(/^[a-z]*: ?/, '')]),
    )
    const data = fields.get('data')
    if (data === undefined) return
    this.#events.push({
      event: fields.get('event') ?? 'message',
      id: fields.get('id'),
      data: JSON.parse(data),
    })
  }

  #close(): void {
    this.#closed = true
    this.#wake()
  }

  #wake(): void {
    for (const wake of this.#waiting.splice(0)) wake()
  }
}
