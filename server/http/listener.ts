import { once } from 'node:events'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Answer } from '@rescind/dialects'
import { peerOf } from '../machine/net/peer.ts'
import { ClientErrors } from './client-errors.ts'
import type { ConnectionShares } from './connection-shares.ts'
import type { Links } from './dialled.ts'
import { Edge, type EdgeParts } from './edge.ts'
import { FastPath, type FastRequest } from './fast-path/fast-path.ts'
import type { FastRoutes } from './fast-path/head.ts'
import { Handshakes } from './handshakes.ts'
import { LoopbackListeners } from './loopback-listeners.ts'
import type { Mount, Mounts } from './mounts.ts'
import { createNodeServer, KEEP_ALIVE_TIMEOUT_MS, REQUEST_TIMEOUT_MS, type TlsPair } from './node-server.ts'
import { type ServeParts, serve } from './serve.ts'
import { CHECK_PREFIX, NodeWireRequest } from './wire.ts'

export type ListenerParts = EdgeParts & {
  readonly mounts: Mounts
  readonly links: Links
  readonly shares: ConnectionShares
  readonly tls: TlsPair | undefined
  /** Routes that are answered before Node's server; an empty map turns the fast path off. */
  readonly fastRoutes: FastRoutes<Mount>
  /** Milliseconds that requests in flight get to finish once the server stops. */
  readonly drainTimeoutMs: number
}

export type ListenAt = { readonly host: string; readonly port: number; readonly backlog: number }

/** Milliseconds between two looks at the connections that were busy when closing began. */
const SWEEP_MS = 50

/** The one HTTP server: finds the mount of each request and has it answered (docs/decisions/0018-one-listener.md). */
export class Listener {
  readonly server: Server
  readonly #mounts: Mounts
  readonly #serving: ServeParts
  readonly #clientErrors: ClientErrors
  readonly #fastPath: FastPath<Mount> | undefined
  readonly #handshakes: Handshakes = new Handshakes()
  readonly #beside: LoopbackListeners
  readonly #drainTimeoutMs: number
  #closing = false

  constructor(parts: ListenerParts) {
    const { mounts, links, tls } = parts
    this.#mounts = mounts
    this.#serving = { edge: new Edge(parts), links, scheme: tls === undefined ? 'http' : 'https' }
    this.#drainTimeoutMs = parts.drainTimeoutMs
    this.#clientErrors = new ClientErrors((refusal) => mounts.check.refuse(refusal, CHECK_PREFIX))
    this.server = createNodeServer(tls, this.#onRequest)
    this.server.on('clientError', this.#clientErrors.answer)
    parts.shares.attach(this.server)
    this.#fastPath = this.#openFastPath(parts)
    if (tls !== undefined) this.#handshakes.attach(this.server)
    this.#beside = new LoopbackListeners(this.server)
  }

  /** Rejects when the address is not available. */
  async listen(at: ListenAt): Promise<void> {
    this.server.listen(at)
    await once(this.server, 'listening')
    if (at.host === 'localhost') await this.#beside.listen(at.backlog)
  }

  /** Accepts nothing more, lets requests in flight finish, and disconnects the rest after the drain timeout. */
  async close(): Promise<void> {
    this.#closing = true
    this.#fastPath?.close()
    this.#handshakes.disconnect()
    const sweep = setInterval(() => this.server.closeIdleConnections(), SWEEP_MS)
    const disconnecting = setTimeout(() => this.#disconnect(), this.#drainTimeoutMs)
    await Promise.all([closed(this.server), this.#beside.close()])
    clearInterval(sweep)
    clearTimeout(disconnecting)
  }

  #disconnect(): void {
    this.#fastPath?.disconnect()
    this.server.closeAllConnections()
  }

  readonly #onRequest = (message: IncomingMessage, response: ServerResponse): void => {
    const { mount, target, malformed } = this.#mounts.find(message.url ?? '/')
    const exchange = { message, response, mount, target, malformed }
    // A request that still comes on an open connection counts as in flight: it is answered, and is the last there.
    if (this.#closing) response.setHeader('connection', 'close')
    this.#clientErrors.note(exchange)
    serve(this.#serving, exchange)
  }

  #openFastPath({ fastRoutes, tls }: ListenerParts): FastPath<Mount> | undefined {
    if (fastRoutes.size === 0) return undefined
    const fastPath = new FastPath<Mount>({
      routes: fastRoutes,
      handOver: this.#clientErrors.begin,
      serve: (request, finish) => this.#serveFast(request, finish),
      nowMs: () => Date.now(),
      requestTimeoutMs: REQUEST_TIMEOUT_MS,
      keepAliveTimeoutMs: KEEP_ALIVE_TIMEOUT_MS,
    })
    // A TLS server announces its decrypted connections by an event of its own.
    fastPath.attach(this.server, tls === undefined ? 'connection' : 'secureConnection')
    return fastPath
  }

  #serveFast(fast: FastRequest<Mount>, write: (answer: Answer) => void): void {
    const { route, headers, body, socket } = fast
    const { method, target, mount } = route
    const { links, scheme, edge } = this.#serving
    const peer = peerOf(socket.remoteAddress ?? '', headers, links.proxies)
    const request = new NodeWireRequest({ method, headers, socket, target, body, peer, scheme, links })
    edge.answer({ mount, request, write })
  }
}

async function closed(server: Server): Promise<void> {
  await new Promise<void>((resolve) => server.close(() => resolve()))
}
