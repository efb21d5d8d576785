import type { Server } from 'node:http'
import type { Socket } from 'node:net'
import type { Answer } from '@rescind/dialects'
import { type FastRoute, type FastRoutes, type Head, readHead, sameHead } from './head.ts'
import { heldFor, NOT_HELD, writeMessage } from './message.ts'

export type FastRequest<Mount> = {
  readonly route: FastRoute<Mount>
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
  readonly socket: Socket
}

export type FastPathParts<Mount> = {
  readonly routes: FastRoutes<Mount>
  /** Answers a request, now or later, exactly once. */
  readonly serve: (request: FastRequest<Mount>, finish: (answer: Answer) => void) => void
  /** Called with a connection that is given to Node, and the bytes that Node has to parse. */
  readonly handOver: (socket: Socket, bytes: Buffer) => void
  readonly nowMs: () => number
  /** Milliseconds without bytes that a connection may take, before its first request and after one. */
  readonly requestTimeoutMs: number
  readonly keepAliveTimeoutMs: number
}

/**
 * Answers hot requests before Node's HTTP server (docs/decisions/0018-one-listener.md). A connection stays here while
 * each read brings exactly one request that `readHead` recognises. At the first other bytes, the connection and those
 * bytes are given to Node for good.
 */
export class FastPath<Mount> {
  readonly #parts: FastPathParts<Mount>
  readonly #connections: Set<Connection<Mount>> = new Set()
  #closing = false

  constructor(parts: FastPathParts<Mount>) {
    this.#parts = parts
  }

  /** How many connections have not been given to Node. */
  get size(): number {
    return this.#connections.size
  }

  /** Takes a server's new connections. @param event that announces them; TLS has its own. */
  attach(server: Server, event: 'connection' | 'secureConnection'): void {
    const listeners = server.listeners(event)
    server.removeAllListeners(event)
    const giveUp = (socket: Socket): void => {
      for (const listener of listeners) Reflect.apply(listener, server, [socket])
    }
    server.on(event, (socket: Socket) => {
      if (this.#closing) giveUp(socket)
      else this.#connections.add(new Connection(socket, this.#parts, { giveUp, left: this.#left, server }))
    })
  }

  /** Ends idle connections at once, and busy ones after their answer. */
  close(): void {
    this.#closing = true
    for (const connection of this.#connections) connection.close()
  }

  /** Ends all connections now. */
  disconnect(): void {
    for (const connection of this.#connections) connection.disconnect()
  }

  readonly #left = (connection: Connection<Mount>): void => {
    this.#connections.delete(connection)
  }
}

type Owner<Mount> = {
  readonly server: Server
  readonly giveUp: (socket: Socket) => void
  readonly left: (connection: Connection<Mount>) => void
}

class Connection<Mount> {
  readonly #socket: Socket
  readonly #parts: FastPathParts<Mount>
  readonly #owner: Owner<Mount>
  readonly #held: string
  #head: Head<Mount> | undefined
  #busy = false
  #closing = false
  #ended = false
  /** Bytes that came while an answer was under way. */
  #early: Buffer | undefined

  constructor(socket: Socket, parts: FastPathParts<Mount>, owner: Owner<Mount>) {
    this.#socket = socket
    this.#parts = parts
    this.#owner = owner
    this.#held = heldFor(parts.keepAliveTimeoutMs)
    socket.setTimeout(parts.requestTimeoutMs)
    socket.on('data', this.#onData)
    socket.on('end', this.#onEnd)
    socket.on('timeout', this.#onTimeout)
    socket.on('error', this.#onGone)
    socket.on('close', this.#onGone)
  }

  close(): void {
    this.#closing = true
    if (!this.#busy) this.#socket.end()
  }

  disconnect(): void {
    this.#socket.destroy()
  }

  readonly #onData = (bytes: Buffer): void => {
    if (this.#busy) {
      // A client that sends before its answer came is served in order, by Node.
      this.#early = this.#early === undefined ? bytes : Buffer.concat([this.#early, bytes])
      this.#socket.pause()
      return
    }
    let head = this.#head
    if (head === undefined || !sameHead(head, bytes)) {
      head = readHead(bytes, this.#parts.routes)
      if (head === undefined) {
        this.#giveUp(bytes)
        return
      }
      if (this.#head === undefined) this.#socket.setTimeout(this.#parts.keepAliveTimeoutMs)
      this.#head = head
    }
    this.#busy = true
    const { route, headers } = head
    const body = bytes.subarray(head.bytes.length)
    this.#parts.serve({ route, headers, body, socket: this.#socket }, this.#finish)
  }

  readonly #finish = (answer: Answer): void => {
    const socket = this.#socket
    this.#busy = false
    if (!socket.writable) return
    const last = this.#closing || this.#ended
    const held = last ? NOT_HELD : this.#held
    const taken = writeMessage(socket, { answer, nowMs: this.#parts.nowMs(), held })
    if (last) {
      socket.end()
      return
    }
    const early = this.#early
    if (early !== undefined) this.#giveUp(early)
    else if (!taken) this.#awaitDrain()
  }

  /** Stops reading from a client that does not read its answers. */
  #awaitDrain(): void {
    this.#socket.pause()
    this.#socket.once('drain', () => this.#socket.resume())
  }

  #giveUp(bytes: Buffer): void {
    const socket = this.#socket
    this.#leave()
    socket.setTimeout(0)
    socket.pause()
    socket.unshift(bytes)
    this.#parts.handOver(socket, bytes)
    this.#owner.giveUp(socket)
    socket.resume()
  }

  readonly #onEnd = (): void => {
    this.#ended = true
    if (!this.#busy) this.#socket.end()
  }

  readonly #onTimeout = (): void => {
    if (this.#busy) return
    if (this.#head !== undefined || this.#ended) {
      this.#socket.destroy()
      return
    }
    // Nothing ever came: answer as Node answers a client that is too slow.
    this.#ended = true
    const error = Object.assign(new Error('the request took too long'), { code: 'ERR_HTTP_REQUEST_TIMEOUT' })
    this.#owner.server.emit('clientError', error, this.#socket)
  }

  readonly #onGone = (): void => {
    this.#leave()
    this.#socket.destroy()
  }

  #leave(): void {
    const socket = this.#socket
    socket.removeListener('data', this.#onData)
    socket.removeListener('end', this.#onEnd)
    socket.removeListener('timeout', this.#onTimeout)
    socket.removeListener('error', this.#onGone)
    socket.removeListener('close', this.#onGone)
    this.#owner.left(this)
  }
}
