import { STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import type { Answer, Refusal } from '@rescind/dialects'
import { type Exchange, refusalTo } from './exchange.ts'
import { refusalProblem } from './problem.ts'
import { ALWAYS } from './reply.ts'
import { checkTargetOf, isCheckPath } from './wire.ts'

/** As Node tells it: with the bytes that it was given last. */
export type ClientError = NodeJS.ErrnoException & { readonly rawPacket?: unknown }

/**
 * Answers what Node could not even parse: nothing of it can be trusted, so the connection ends with the answer. What was
 * sent to `/check` gets the answer of `/check`: some gateways pass on bytes that Node's parser refuses, and each would
 * make a failure of its own out of a 400.
 */
export class ClientErrors {
  readonly #refuseCheck: (refusal: Refusal) => Answer
  /** The last request to `/check` of each connection: a gateway asks nothing else on it. */
  readonly #asked: WeakMap<Socket, Exchange> = new WeakMap()
  /** The last of all others, whose mount words what is wrong with its body. */
  readonly #others: WeakMap<Socket, Exchange> = new WeakMap()
  /** Connections that began with a request to `/check`, which may have come in parts. */
  readonly #begun: WeakSet<Socket> = new WeakSet()
  readonly #ending: WeakSet<Socket> = new WeakSet()

  constructor(refuseCheck: (refusal: Refusal) => Answer) {
    this.#refuseCheck = refuseCheck
  }

  /** Notes what a connection begins with. */
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
    // What failed before any HTTP was spoken, a TLS handshake above all, has nobody to answer: bytes for it would wait for ever.
    if (!isOfHttp(error) || !socket.writable) {
      socket.destroy()
      return
    }
    const asked = this.#asked.get(socket)
    if (asked !== undefined && !(asked.message.complete && asked.response.writableFinished)) {
      this.#endAfter(asked, socket)
      return
    }
    // RFC 9112 §9.6: what comes behind a request that was the last is not looked at, and that one has its answer.
    const last = error.code === 'HPE_CLOSED_CONNECTION' ? this.#others.get(socket) : undefined
    if (last !== undefined) {
      this.#endAfter(last, socket)
      return
    }
    const refusal = CLIENT_ERRORS[error.code ?? ''] ?? MALFORMED
    const other = this.#others.get(socket)
    // It broke off. Framing that two parsers could read differently is refused before a path counts.
    if (error.code === 'HPE_INVALID_EOF_STATE' && other?.message.complete === false) {
      write(socket, refusalTo(other, refusal))
      return
    }
    const toCheck = asked !== undefined || this.#begun.has(socket) || isForCheck(error.rawPacket)
    write(socket, toCheck ? this.#refuseCheck(refusal) : refusalProblem(refusal))
  }

  /** The answer of this request is the last on the connection. */
  #endAfter({ response }: Exchange, socket: Socket): void {
    if (this.#ending.has(socket)) return
    this.#ending.add(socket)
    if (response.writableFinished) socket.end()
    else response.once('finish', () => socket.end())
  }
}

/** Whether the bytes begin with a request line of `/check`, whatever its method. */
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
