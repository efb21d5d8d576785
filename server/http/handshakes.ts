import type { Server } from 'node:http'
import type { Socket } from 'node:net'

/**
 * Connections whose TLS handshake is under way. A client that closes its side during one goes unnoticed until the
 * handshake times out, and no other list holds its connection. A server that stops must not wait for it.
 */
export class Handshakes {
  readonly #sockets: Map<string, Socket> = new Map()

  /** @param server whose other connection listeners are attached already. */
  attach(server: Server): void {
    server.prependListener('connection', (socket: Socket) => {
      const name = nameOf(socket)
      this.#sockets.set(name, socket)
      socket.once('close', () => this.#forget(name, socket))
    })
    server.prependListener('secureConnection', (socket: Socket) => this.#sockets.delete(nameOf(socket)))
  }

  /** How many handshakes are under way. */
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

/** The TLS socket and the one beneath it are two objects with the same remote address and port. */
function nameOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress} ${remotePort}`
}
