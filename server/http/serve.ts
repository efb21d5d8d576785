import { peerOf } from '../machine/net/peer.ts'
import type { Links } from './dialled.ts'
import type { Edge } from './edge.ts'
import type { Exchange } from './exchange.ts'
import { malformation } from './malformed-requests.ts'
import { type BodyRead, hasBody, NO_BYTES, readBody, streamedBody } from './read-body.ts'
import { writeAnswer } from './reply.ts'
import { NodeWireRequest, type WireParts } from './wire.ts'

export type ServeParts = {
  readonly edge: Edge
  readonly links: Links
  /** `http` or `https` as this server is reached directly. */
  readonly scheme: string
}

/** Runs the checks that all mounts share, reads the body, and has the request answered. */
export function serve(parts: ServeParts, exchange: Exchange): void {
  const { mount, message, target } = exchange
  if (mount.judgesAlone === true) {
    // Node reads and drops the rest of a body once the answer is sent.
    run(parts, exchange, NO_BYTES)
    return
  }
  const wrong = exchange.malformed ?? malformation(message)
  if (wrong !== undefined) {
    parts.edge.refuse(exchange, { kind: 'malformed', detail: wrong })
    return
  }
  const stream = mount.streamOf?.(message.method ?? 'GET', target.path)
  if (stream !== undefined) runStreamed(parts, exchange, stream.maxBytes)
  else if (hasBody(message)) readBody(message, (read) => runRead(parts, exchange, read))
  else run(parts, exchange, NO_BYTES)
}

function runRead(parts: ServeParts, exchange: Exchange, read: BodyRead): void {
  if (read.kind === 'aborted') return
  if (read.kind === 'body') {
    run(parts, exchange, read.bytes)
    return
  }
  // The rest of this body will not be read, so the connection cannot be used again.
  exchange.response.setHeader('connection', 'close')
  parts.edge.refuse(exchange, { kind: read.kind === 'too-slow' ? 'timeout' : 'too-large' })
}

function run({ edge, links, scheme }: ServeParts, exchange: Exchange, body: Uint8Array): void {
  const { mount, message, response } = exchange
  const request = new NodeWireRequest(wireOf(exchange, { links, scheme, body }))
  edge.answer({ mount, request, response, write: (answer) => writeAnswer(response, message, answer) })
}

function runStreamed({ edge, links, scheme }: ServeParts, exchange: Exchange, maxBytes: number): void {
  const { mount, message, response } = exchange
  // What the endpoint leaves unread must not be taken for the next request.
  response.setHeader('connection', 'close')
  const wire = wireOf(exchange, { links, scheme, body: NO_BYTES })
  edge.answer({
    mount,
    request: new NodeWireRequest({ ...wire, stream: () => streamedBody(message, maxBytes) }),
    response,
    write: (answer) => writeAnswer(response, message, answer),
    brokeOff: () => hasBody(message) && message.destroyed && !message.complete,
  })
}

type Given = Pick<WireParts, 'links' | 'scheme' | 'body'>

function wireOf({ message, target }: Exchange, { links, scheme, body }: Given): WireParts {
  const { method = 'GET', headers, rawHeaders, socket } = message
  const peer = peerOf(socket.remoteAddress ?? '', headers, links.proxies)
  return { method, headers, rawHeaders, socket, target, body, peer, scheme, links }
}
