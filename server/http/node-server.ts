import { createServer, type RequestListener, type Server, type ServerOptions } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { HEADERS_MAX_BYTES } from './malformed-requests.ts'

/** Milliseconds for a request to arrive whole, and for an idle connection to stay. */
export const REQUEST_TIMEOUT_MS = 15_000
export const KEEP_ALIVE_TIMEOUT_MS = 72_000
/** For a streamed body to arrive whole, a long list of leaked tokens over a slow line. */
const STREAM_TIMEOUT_MS = 600_000

export type TlsPair = { readonly cert: string; readonly key: string }

const OPTIONS: ServerOptions = {
  maxHeaderSize: HEADERS_MAX_BYTES,
  // A missing Host is refused by `malformation`, in the words of whoever's path it is; Node's 400 has no body.
  requireHostHeader: false,
  headersTimeout: REQUEST_TIMEOUT_MS,
  // Streamed bodies may take long; buffered ones have a time of their own (read-body.ts), and so have headers.
  requestTimeout: STREAM_TIMEOUT_MS,
  keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
  // Requests without a body cost no stream.
  optimizeEmptyRequests: true,
}

/** Node's own server, of HTTP or of HTTPS, with the limits of this one. */
export function createNodeServer(tls: TlsPair | undefined, answer: RequestListener): Server {
  const server = tls === undefined ? createServer(OPTIONS, answer) : createSecured(tls, answer)
  // Who has said all it has to say is still to be answered: Node would drop the answer of what was done already.
  Object.assign(server, { httpAllowHalfOpen: true })
  // Bounded by their bytes alone: Node would drop those beyond the thousandth, a second credential among them.
  server.maxHeadersCount = 0
  // RFC 9110 §10.1.1 lets a server pass over expectations that it does not know; Node's 417 has no body.
  server.on('checkExpectation', answer)
  return server
}

function createSecured(tls: TlsPair, answer: RequestListener): Server {
  // Over plain connections half-open is Node's own choice.
  const options = { ...OPTIONS, ...tls, handshakeTimeout: REQUEST_TIMEOUT_MS, allowHalfOpen: true }
  return createTlsServer(options, answer)
}
