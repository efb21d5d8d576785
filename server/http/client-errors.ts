import { STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import type { Answer, Refusal } from '@rescind/dialects'
import { type Exchange, refusalTo } from './exchange.ts'
import { refusalProblem } from './problem.ts'
import { ALWAYS } from './reply.ts'
import { checkTargetOf, isCheckPath } from './wire.ts'

/** Node's error, with the last bytes that its parser got. */
export type ClientError = NodeJS.ErrnoException & { readonly rawPacket?: unknown }

/**
 * Answers requests that Node could not parse. Nothing in them can be trusted, so the connection ends with the answer. A
 * request to `/check` gets an answer of `/check`: some gateways pass on bytes that Node's parser refuses, and each
 * gateway treats a 400 as a failure in its own way.
 */
export class ClientErrors {
  readonly #refuseCheck: (refusal: Refusal) => Answer
  /** The last request to `/check` of each connection. Gateways send nothing else on such a connection. */
  readonly #asked: WeakMap<Socket, Exchange> = new WeakMap()
  /** The last request to any other mount, which words what is wrong with the body. */
  readonly #others: WeakMap<Socket, Exchange> = new WeakMap()
  /** Connections whose first bytes were a request to `/check`; the rest of that request may come later. */
  readonly #begun: WeakSet<Socket> = new WeakSet()
  readonly #ending: WeakSet<Socket> = new WeakSet()

  constructor(refuseCheck: (refusal: Refusal) => Answer) {
    this.#refuseCheck = refuseCheck
  }

  /** Notes the first bytes of a connection. */
  readonly begin = (socket: Socket, bytes: Buffer): void => {
    if (isForCheck(bytes)) this.#begun.add(socket)
  }

  /** Notes a request that Node could parse up to its body. */
  note(exchange: Exchange): void {
    const { mount, message } = exchange
    const requests = mount.judgesAlone === true ? this.#asked : this.#others
    requests.set(message.socket, exchange)
  }

  readonly answer = (error: ClientError, socket: Socket): void => {
    // A failure before any HTTP was spoken, such as a broken TLS handshake, gets no answer: the bytes would wait
    // forever.
    if (!isOfHttp(error) || !socket.writable) {
      socket.destroy()
      return
    }
    const asked = this.#asked.get(socket)
    if (asked !== undefined && !(asked.message.complete && asked.response.writableFinished)) {
      this.#endAfter(asked, socket)
      return
    }
    // RFC 9112 §9.6: bytes after the last request of a connection are ignored. That request still gets its answer.
    const last = error.code === 'HPE_CLOSED_CONNECTION' ? this.#others.get(socket) : undefined
    if (last !== undefined) {
      this.#endAfter(last, socket)
      return
    }
    const refusal = CLIENT_ERRORS[error.code ?? ''] ?? MALFORMED
    const other = this.#others.get(socket)
    // The body broke off, so its mount words the refusal. Ambiguous framing is refused before the path counts.
    if (error.code === 'HPE_INVALID_EOF_STATE' && other?.message.complete === false) {
      write(socket, refusalTo(other, refusal))
      return
    }
    const toCheck = asked !== undefined || this.#begun.has(socket) || isForCheck(error.rawPacket)
    write(socket, toCheck ? this.#refuseCheck(refusal) : refusalProblem(refusal))
  }

  /** Ends the connection after the answer of this request. */
  #endAfter({ response }: Exchange, socket: Socket): void {
    if (this.#ending.has(socket)) return
    this.#ending.add(socket)
    if (response.writableFinished) socket.end()
    else response.once('finish', () => socket.end())
  }
}

/** Whether the bytes begin with a request line of `/check`, with any method. */
function isForCheck(packet: unknown): boolean {
  if (!Buffer.isBuffer(packet)) return false
  const [, url] = REQUEST_LINE.exec(packet.toString('latin1', 0, LINE_LOOK_BYTES)) ?? []
  return url !== undefined && isCheckPath(checkTargetOf(url).path)
}

const LINE_LOOK_BYTES = 1_024
const REQUEST_LINE = /^[^ \r\n]+ ([^ ?#\r\n]+)/

function write(socket: Socket, { status, headers, body }: Answer): void {
  const text = typeof body === 'string' ? body : ''
  const lines = [...Object.entries(headers), ...ALWAYS].map(([name, value]) => `${name}: ${value}\r\n`)
  const head = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'Error'}\r\n${lines.join('')}`
  socket.end(`${head}content-length: ${Buffer.byteLength(text)}\r\nconnection: close\r\n\r\n${text}`)
}

function isOfHttp({ code = '' }: ClientError): boolean {
  return code.startsWith('HPE_') || Object.hasOwn(CLIENT_ERRORS, code)
}

const MALFORMED: Refusal = { kind: 'malformed', detail: 'not a well-formed request' }

const CLIENT_ERRORS: Readonly<Record<string, Refusal>> = {
  HPE_HEADER_OVERFLOW: { kind: 'headers-too-large' },
  ERR_HTTP_REQUEST_TIMEOUT: { kind: 'timeout' },
}
