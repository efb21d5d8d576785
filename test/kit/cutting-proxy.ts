import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'

/** What happens to one connection: cut after so many bytes, or its bytes to the server are kept back until released. */
export type Fate =
  | { readonly kind: 'pass' }
  | { readonly kind: 'cut'; readonly from: 'client' | 'server'; readonly afterBytes: number }

/** What a client sends to be told of notifications. */
const LISTEN = 'LISTEN rescind'

export class Pair {
  readonly #client: Socket
  readonly #server: Socket
  #fate: Fate
  client = 0
  server = 0
  #heldBack: Buffer[] | undefined
  #over = false
  #listens = false

  constructor(client: Socket, server: Socket, fate: Fate) {
    this.#client = client
    this.#server = server
    this.#fate = fate
    client.on('data', (chunk: Buffer) => this.#passClient(chunk))
    server.on('data', (chunk: Buffer) => this.#passServer(chunk))
    for (const socket of [client, server]) socket.on('error', () => {})
    client.on('close', () => {
      if (this.#heldBack === undefined) server.destroy()
    })
    server.on('close', () => {
      this.#over = true
      client.destroy()
    })
  }

  /** Whether the server has ended its side. */
  get isOver(): boolean {
    return this.#over
  }

  /** Whether its client has asked for notifications. */
  get listens(): boolean {
    return this.#listens
  }

  /** The port by which the server knows this connection. */
  get serverSidePort(): number | undefined {
    return this.#server.localPort
  }

  /** Nothing passes, in either direction, and nobody is told. */
  stall(): void {
    this.#client.pause()
    this.#server.pause()
  }

  /** As a client does that is stopped: the server's bytes pile up on their way. */
  stopReading(): void {
    this.#server.pause()
  }

  /** What came meanwhile passes now, also if its client is gone. */
  resume(): void {
    this.#client.resume()
    this.#server.resume()
  }

  /** Cuts the connection so many bytes from now. */
  cutAfter(from: 'client' | 'server', bytes: number): void {
    this.#fate = { kind: 'cut', from, afterBytes: this[from] + bytes }
  }

  #passClient(chunk: Buffer): void {
    if (!this.#listens) this.#listens = chunk.includes(LISTEN)
    const left = this.#left('client', chunk.length)
    this.client += chunk.length
    if (this.#heldBack !== undefined) this.#heldBack.push(chunk)
    else this.#server.write(chunk.subarray(0, left))
    if (left < chunk.length) this.cut()
  }

  #passServer(chunk: Buffer): void {
    const left = this.#left('server', chunk.length)
    this.server += chunk.length
    this.#client.write(chunk.subarray(0, left))
    if (left < chunk.length) this.cut()
  }

  #left(from: 'client' | 'server', bytes: number): number {
    if (this.#fate.kind !== 'cut' || this.#fate.from !== from) return bytes
    return Math.max(0, Math.min(bytes, this.#fate.afterBytes - this[from]))
  }

  /** What was written before reaches the other side first. */
  cut(): void {
    this.#client.destroySoon()
    this.#server.destroySoon()
  }

  /** From now on, what the client sends waits here, and the client's end is not passed on. */
  holdBack(): void {
    this.#heldBack ??= []
  }

  loseClient(): void {
    this.#client.destroy()
  }

  get heldBytes(): number {
    return (this.#heldBack ?? []).reduce((sum, { length }) => sum + length, 0)
  }

  /** Delivers what was held back, whether or not the client still waits for it. */
  release(): void {
    for (const chunk of this.#heldBack ?? []) this.#server.write(chunk)
    this.#heldBack = undefined
    if (this.#client.destroyed) this.#server.end()
  }
}

/** A proxy that cuts connections after any byte, and that can deliver a request after its client has given up. */
export class CuttingProxy {
  readonly #listener: Server
  readonly pairs: Pair[] = []
  /** Asked for each new connection. */
  fate: () => Fate = () => ({ kind: 'pass' })

  static async open(host: string, port: number): Promise<CuttingProxy> {
    const proxy = new CuttingProxy(host, port)
    await once(proxy.#listener.listen(0, '127.0.0.1'), 'listening')
    return proxy
  }

  private constructor(host: string, port: number) {
    this.#listener = createServer((client) => {
      this.pairs.push(new Pair(client, connect(port, host), this.fate()))
    })
  }

  get port(): number {
    const at = this.#listener.address()
    return typeof at === 'object' && at !== null ? at.port : 0
  }

  async close(): Promise<void> {
    for (const pair of this.pairs) pair.cut()
    const closed = once(this.#listener, 'close')
    this.#listener.close()
    await closed
  }
}
