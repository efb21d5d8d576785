import { createServer, type RequestListener, type Server, type ServerOptions } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { HEADERS_MAX_BYTES } from './malformed-requests.ts'

/** Milliseconds for a request to arrive whole, and for an idle connection to stay open. */
export const REQUEST_TIMEOUT_MS = 15_000
export const KEEP_ALIVE_TIMEOUT_MS = 72_000
/** Milliseconds for a streamed body to arrive whole: a long list of leaked tokens over a slow line. */
const STREAM_TIMEOUT_MS = 600_000

export type TlsPair = { readonly cert: string; readonly key: string }

const OPTIONS: ServerOptions = {
  maxHeaderSize: HEADERS_MAX_BYTES,
  // `malformation` refuses a missing Host in the words of the path's mount; Node's own 400 has no body.
  requireHostHeader: false,
  headersTimeout: REQUEST_TIMEOUT_MS,
  // Streamed bodies may take long. Buffered bodies (read-body.ts) and headers have limits of their own.
  requestTimeout: STREAM_TIMEOUT_MS,
  keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
  // Creates no stream for a request without a body.
  optimizeEmptyRequests: true,
}

/** Node's own server, of HTTP or of HTTPS, with the limits of this one. */
export function createNodeServer(tls: TlsPair | undefined, answer: RequestListener): Server {
  const server = tls === undefined ? createServer(OPTIONS, answer) : createSecured(tls, answer)
  // A client that has closed its writing side still gets its answer. Node would drop it, although the work is done.
  Object.assign(server, { httpAllowHalfOpen: true })
  // Only the bytes of headers are bounded. Node would drop those after the thousandth, perhaps a second credential.
  server.maxHeadersCount = 0
  // RFC 9110 §10.1.1 lets a server ignore expectations that it does not know; Node's 417 has no body.
  server.on('checkExpectation', answer)
  return server
}

function createSecured(tls: TlsPair, answer: RequestListener): Server {
  // Node's plain servers allow half-open connections already.
  const options = { ...OPTIONS, ...tls, handshakeTimeout: REQUEST_TIMEOUT_MS, allowHalfOpen: true }
  return createTlsServer(options, answer)
}
