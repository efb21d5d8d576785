import type { Server } from 'node:http'
import type { Socket } from 'node:net'

/**
 * Connections whose TLS handshake is under way. Whoever closes its side in the middle of one is not noticed before the
 * handshake's time is over, and nothing else knows of such a connection: a server that stops must not wait for it.
 */
export class Handshakes {
  readonly #sockets: Map<string, Socket> = new Map()

  /** @param server after all others that listen for its connections. */
  attach(server: Server): void {
    server.prependListener('connection', (socket: Socket) => {
      const name = nameOf(socket)
      this.#sockets.set(name, socket)
      socket.once('close', () => this.#forget(name, socket))
    })
    server.prependListener('secureConnection', (socket: Socket) => this.#sockets.delete(nameOf(socket)))
  }

  /** Those that are under way. */
  get size(): number {
    return this.#sockets.size
  }

  disconnect(): void {
    for (const socket of this.#sockets.values()) socket.destroy()
  }

  #forget(name: string, socket: Socket): void {
    if (this.#sockets.get(name) === socket) this.#sockets.delete(name)
  }
}

/** The TLS socket and the one beneath it are two objects with the same far end. */
function nameOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress} ${remotePort}`
}
