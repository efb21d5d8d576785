import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'

/** After how many bytes a connection stands still; a side that is not named never does. */
export type Stall = { readonly up?: number; readonly down?: number }

/** A proxy before a server, whose connections stand still after some bytes, so that a test can end either end then. */
export class StallingProxy {
  readonly #server: Server
  readonly #open: Set<Socket> = new Set()
  #stall: Stall = {}
  #onStalled: () => void = () => undefined

  private constructor(server: Server) {
    this.#server = server
  }

  static async open(port: number): Promise<StallingProxy> {
    const server = createServer()
    const proxy = new StallingProxy(server)
    server.on('connection', (client) => proxy.#connected(client, port))
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return proxy
  }

  get url(): string {
    // It listens on a port.
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  /** Of connections from now on. @returns what resolves once one of them stands still. */
  stallAfter(stall: Stall): Promise<void> {
    this.#stall = stall
    return new Promise((resolve) => {
      this.#onStalled = resolve
    })
  }

  close(): void {
    for (const socket of this.#open) socket.destroy()
    this.#server.close()
  }

  #connected(client: Socket, port: number): void {
    const server = connect(port, '127.0.0.1')
    const { up, down } = this.#stall
    this.#pass(client, server, up)
    this.#pass(server, client, down)
  }

  #pass(from: Socket, to: Socket, max: number | undefined): void {
    this.#open.add(from)
    let left = max ?? Number.POSITIVE_INFINITY
    from.on('data', (chunk: Buffer) => {
      if (left <= 0) return
      to.write(chunk.subarray(0, left))
      left -= chunk.length
      if (left <= 0) this.#onStalled()
    })
    from.on('error', () => undefined)
    from.on('close', () => {
      this.#open.delete(from)
      to.destroy()
    })
  }
}
