/** As much of a debugger as it takes to stop at a line: the inspector's protocol over its WebSocket. */
export class Inspector {
  readonly #socket: WebSocket
  readonly #answers: Map<number, (result: unknown) => void> = new Map()
  readonly #paused: PromiseWithResolvers<Paused> = Promise.withResolvers()
  readonly #scripts: Map<string, string> = new Map()
  #last = 0

  private constructor(socket: WebSocket) {
    this.#socket = socket
    socket.addEventListener('message', ({ data }) => this.#take(JSON.parse(String(data)) as Message))
  }

  static async open(url: string): Promise<Inspector> {
    const socket = new WebSocket(url)
    const opened = Promise.withResolvers<void>()
    socket.addEventListener('open', () => opened.resolve())
    socket.addEventListener('error', () => opened.reject(new Error(`no debugger at ${url}`)))
    await opened.promise
    return new Inspector(socket)
  }

  call(method: string, params: object = {}): Promise<unknown> {
    this.#last += 1
    const { promise, resolve } = Promise.withResolvers<unknown>()
    this.#answers.set(this.#last, resolve)
    this.#socket.send(JSON.stringify({ id: this.#last, method, params }))
    return promise
  }

  /** Where the process first stops. */
  async paused(): Promise<{ readonly url: string; readonly line: number }> {
    const [frame] = (await this.#paused.promise).callFrames
    const { scriptId = '', lineNumber = -1 } = frame?.location ?? {}
    return { url: this.#scripts.get(scriptId) ?? '', line: lineNumber + 1 }
  }

  close(): void {
    this.#socket.close()
  }

  #take(message: Message): void {
    if (message.method === 'Debugger.paused') this.#paused.resolve(message.params as Paused)
    if (message.method === 'Debugger.scriptParsed') {
      const { scriptId, url } = message.params as Script
      this.#scripts.set(scriptId, url)
    }
    if (message.id !== undefined) this.#answers.get(message.id)?.(message.result)
  }
}

type Paused = {
  readonly callFrames: readonly {
    readonly location: { readonly scriptId: string; readonly lineNumber: number }
  }[]
}
type Script = { readonly scriptId: string; readonly url: string }
type Message = {
  readonly id?: number
  readonly result?: unknown
  readonly method?: string
  readonly params?: unknown
}
