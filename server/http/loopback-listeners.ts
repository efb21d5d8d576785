import { lookup } from 'node:dns/promises'
import { once } from 'node:events'
import type { Server } from 'node:http'
import { type AddressInfo, createServer, type Server as TcpServer } from 'node:net'

/**
 * `localhost` is two addresses on most machines, 127.0.0.1 and ::1, and clients try either. Node listens on one of them;
 * these accept connections on the others, for the same server.
 */
export class LoopbackListeners {
  readonly #server: Server
  readonly #open: TcpServer[] = []

  constructor(server: Server) {
    this.#server = server
  }

  /** Call it once the server listens on one of the addresses. An address that is not available is left out. */
  async listen(backlog: number): Promise<void> {
    // A server that listens on TCP has an AddressInfo, which Node's type does not say.
    const { address, port } = this.#server.address() as AddressInfo
    const addresses = await lookup('localhost', { all: true })
    for (const { address: host } of addresses) {
      if (host === address) continue
      const beside = this.#create()
      beside.listen({ host, port, backlog })
      if (await isListening(beside)) this.#open.push(beside)
    }
  }

  /** Resolves when every connection has ended. */
  async close(): Promise<void> {
    await Promise.all(this.#open.map((one) => new Promise((resolve) => one.close(resolve))))
  }

  #create(): TcpServer {
    const beside = createServer({ allowHalfOpen: true, noDelay: true }, (socket) =>
      this.#server.emit('connection', socket),
    )
    beside.maxConnections = this.#server.maxConnections
    return beside
  }
}

async function isListening(server: TcpServer): Promise<boolean> {
  try {
    await once(server, 'listening')
    return true
  } catch {
    return false
  }
}
